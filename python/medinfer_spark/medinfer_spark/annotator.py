"""MedicalVisionLLM: the annotator of Spark NLP's users, whose model a medinfer server runs."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

from pyspark.ml import Transformer
from pyspark.ml.param import Param, Params, TypeConverters
from pyspark.ml.param.shared import HasInputCols, HasOutputCol
from pyspark.ml.util import DefaultParamsReadable, DefaultParamsWritable
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType, StructType

from medinfer_spark.frame import annotate, holds_bytes
from medinfer_spark.params import AnswerParams, StartParams

if TYPE_CHECKING:
    from typing_extensions import Self


class MedicalVisionLLM(
    Transformer,
    HasInputCols,
    HasOutputCol,
    AnswerParams,
    StartParams,
    DefaultParamsReadable["MedicalVisionLLM"],
    DefaultParamsWritable,
):
    """Asks the model about the images of each row what its document says. See `medinfer_spark.annotate`.

    The API's key is no parameter: it is neither printed nor saved. A stage that was loaded takes MEDINFER_API_KEY.
    """

    url = Param(Params._dummy(), "url", "the server's; default: MEDINFER_URL", TypeConverters.toString)
    model = Param(Params._dummy(), "model", "the model's name at the server", TypeConverters.toString)
    systemPrompt = Param(Params._dummy(), "systemPrompt", "the system message; empty: none", TypeConverters.toString)
    jsonSchema = Param(Params._dummy(), "jsonSchema", "the form of answers, a JSON schema", TypeConverters.toString)
    batchSize = Param(Params._dummy(), "batchSize", "requests at once of each partition", TypeConverters.toInt)
    timeout = Param(Params._dummy(), "timeout", "seconds of silence after which a request is lost", TypeConverters.toFloat)
    retries = Param(Params._dummy(), "retries", "how often a request that failed is sent again", TypeConverters.toInt)

    def __init__(self) -> None:
        super().__init__()
        self._api_key: str | None = None
        self._warned = False
        self._setDefault(
            inputCols=["document", "image_assembler"],
            outputCol="completions",
            systemPrompt="You are a helpful assistant.",
            batchSize=4,
            timeout=120.0,
            retries=5,
        )

    @staticmethod
    def pretrained(
        name: str | None = None,
        lang: str = "en",
        remote_loc: str | None = None,
        url: str | None = None,
        api_key: str | None = None,
    ) -> MedicalVisionLLM:
        """A model of a server. Nothing is downloaded: `lang` and `remote_loc` are taken, and mean nothing here.

        :param name: the model's name or alias at the server, as in `medinfer serve --alias NAME`; None: the first that generates
        """
        made = MedicalVisionLLM()
        if name is not None:
            made._set(model=name)
        if url is not None:
            made.setUrl(url)
        return made if api_key is None else made.setApiKey(api_key)

    def setInputCols(self, *value: Any) -> Self:
        """The document's column and the images', in any order, as a list or one by one."""
        return self._set(inputCols=list(value[0]) if isinstance(value[0], (list, tuple)) else list(value))

    def setOutputCol(self, value: str) -> Self:
        return self._set(outputCol=value)

    def setUrl(self, value: str) -> Self:
        return self._set(url=value)

    def setApiKey(self, value: str) -> Self:
        self._api_key = value
        return self

    def setSystemPrompt(self, value: str) -> Self:
        return self._set(systemPrompt=value)

    def setJsonSchema(self, value: str) -> Self:
        return self._set(jsonSchema=value)

    def setBatchSize(self, value: int) -> Self:
        return self._set(batchSize=value)

    def setNParallel(self, value: int) -> Self:
        return self._set(batchSize=value)

    def setTimeout(self, value: float) -> Self:
        return self._set(timeout=value)

    def setRetries(self, value: int) -> Self:
        return self._set(retries=value)

    def setInputPrefix(self, value: str) -> Self:
        raise ValueError("infill is no conversation about an image: put the text into the prompt's column")

    def setInputSuffix(self, value: str) -> Self:
        return self.setInputPrefix(value)

    def _transform(self, dataset: DataFrame) -> DataFrame:
        self._warn_of_start_params()
        document, image = self._columns(dataset)
        return annotate(
            dataset,
            image,
            # The first annotation's text; null where there is none, which becomes the row's error.
            prompt=F.get(F.col(document)["result"], 0),
            url=self._of(self.url),
            model=self._of(self.model),
            output=self.getOutputCol(),
            system_prompt=self.getOrDefault(self.systemPrompt),
            json_schema=self._of(self.jsonSchema),
            batch_size=self.getOrDefault(self.batchSize),
            api_key=self._api_key,
            timeout=self.getOrDefault(self.timeout),
            retries=self.getOrDefault(self.retries),
            **self.answer_options(),
        )

    def _of(self, param: Param[Any]) -> Any:
        return self.getOrDefault(param) if self.isDefined(param) else None

    def _columns(self, dataset: DataFrame) -> tuple[str, str]:
        """The document's and the image's column.

        :raises ValueError: the input columns are not one of each
        """
        names = self.getInputCols()
        types = {each.name: each.dataType for each in dataset.schema.fields}
        missing = [name for name in names if name not in types]
        if missing:
            raise ValueError(f"there is no column {missing[0]}: is the stage that makes it in the pipeline, and before this one?")
        images = [name for name in names if holds_bytes(types[name])]
        documents = [name for name in names if _is_document(types[name])]
        if len(names) != 2 or len(images) != 1 or len(documents) != 1:
            raise ValueError("inputCols must be a DocumentAssembler's column and an ImageAssembler's")
        return documents[0], images[0]

    def _warn_of_start_params(self) -> None:
        given = self.start_params()
        if given and not self._warned:
            self._warned = True
            told = ", ".join(f"{each.name} ({each.doc})" for each in given)
            warnings.warn(f"decided where the server starts, and not sent: {told}", stacklevel=2)


def _is_document(type_: Any) -> bool:
    if not isinstance(type_, ArrayType) or not isinstance(type_.elementType, StructType):
        return False
    return any(each.name == "result" and isinstance(each.dataType, StringType) for each in type_.elementType.fields)
