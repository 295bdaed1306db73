"""What the examples of Spark NLP's users import from its utilities."""

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from medinfer_spark.base import ImageAssembler

__all__ = ["vision_llm_preprocessor"]


def vision_llm_preprocessor(spark: SparkSession, images_path: str, prompt: str, output_col_name: str) -> DataFrame:
    """The images of a folder, and beside each the prompt. See `ImageAssembler.loadImagesAsBytes`."""
    return ImageAssembler.loadImagesAsBytes(spark, images_path).withColumn(output_col_name, F.lit(prompt))
