"""Spark NLP's first steps, in Spark's own SQL: texts and images to annotations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.ml import Transformer
from pyspark.ml.param.shared import HasInputCol, HasOutputCol
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StructField, StructType

from medinfer_spark.annotation import ANNOTATIONS
from medinfer_spark.headers import HEADER_BYTES, size_of
from medinfer_spark.parts import MODES

if TYPE_CHECKING:
    from typing_extensions import Self

IMAGE_FILES = "*.{[jJ][pP][eE][gG],[jJ][pP][gG],[pP][nN][gG],[gG][iI][fF],[bB][mM][pP]}"
"""Names of the files that `ImageAssembler.loadImagesAsBytes` reads."""


class _ColumnToColumn(Transformer, HasInputCol, HasOutputCol, DefaultParamsReadable[Any], DefaultParamsWritable):
    def setInputCol(self, value: str) -> Self:
        return self._set(inputCol=value)

    def setOutputCol(self, value: str) -> Self:
        return self._set(outputCol=value)

    def _transform(self, dataset: DataFrame) -> DataFrame:
        return dataset.withColumn(self.getOutputCol(), self._assembled(F.col(self.getInputCol())))

    def _assembled(self, given: Column) -> Column:
        raise NotImplementedError


class DocumentAssembler(_ColumnToColumn):
    """A column of texts to annotations of the type document; none for null."""

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(outputCol="document")

    def _assembled(self, given: Column) -> Column:
        document = F.struct(
            F.lit("document").alias("annotatorType"),
            F.lit(0).alias("begin"),
            (F.length(given) - 1).alias("end"),
            given.alias("result"),
            F.create_map(F.lit("sentence"), F.lit("0")).alias("metadata"),
            F.array().cast("array<float>").alias("embeddings"),
        )
        return F.when(given.isNotNull(), F.array(document)).otherwise(F.array()).cast(ANNOTATIONS)


class ImageAssembler(_ColumnToColumn):
    """A column of Spark's images to annotations of the type image; none for null."""

    def __init__(self) -> None:
        super().__init__()
        self._setDefault(inputCol="image", outputCol="image_assembler")

    def _assembled(self, given: Column) -> Column:
        image = F.struct(
            F.lit("image").alias("annotatorType"),
            *(given[name].alias(name) for name in ("origin", "height", "width", "nChannels", "mode")),
            given["data"].alias("result"),
            F.create_map().cast("map<string,string>").alias("metadata"),
            F.lit("").alias("text"),
        )
        return F.when(given.isNotNull(), F.array(image)).otherwise(F.array())

    @staticmethod
    def loadImagesAsBytes(spark: SparkSession, path: str, pattern: str = IMAGE_FILES) -> DataFrame:
        """The files of a folder: `image` (Spark's struct, with the file's own bytes), `path`, `modificationTime`, `length`.

        Unlike Spark NLP's, it gives a row for each file: of one that is damaged, height, width, nChannels and mode are -1, and
        the model's answer says what is wrong.

        :param pattern: names of files; `"*"`: all, such as PDF, DICOM and TIFF
        """
        files = spark.read.format("binaryFile").option("pathGlobFilter", pattern).load(path)
        size = _size(F.substring("content", 1, HEADER_BYTES))
        image = F.struct(
            F.col("path").alias("origin"),
            *(size[name].alias(name) for name in ("height", "width", "nChannels", "mode")),
            F.col("content").alias("data"),
        )
        return files.select(image.alias("image"), "path", "modificationTime", "length")


@F.udf(StructType([StructField(name, IntegerType()) for name in ("height", "width", "nChannels", "mode")]), useArrow=False)
def _size(head: bytearray) -> tuple[int, int, int, int]:
    size = size_of(bytes(head))
    return (-1, -1, -1, -1) if size is None else (*size, MODES[size[2]])
