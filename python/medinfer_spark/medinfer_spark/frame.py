"""annotate: a DataFrame with an answer for each row."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BinaryType, DataType, StructType

from medinfer_spark.annotation import ANNOTATIONS
from medinfer_spark.ask import Ask
from medinfer_spark.options import read_schema, request_fields
from medinfer_spark.partition import answer_rows
from medinfer_spark.parts import BYTES_FIELDS
from medinfer_spark.server import Server, split_url

if TYPE_CHECKING:
    import pyarrow as pa

_PROMPT = "__medinfer_prompt"


def annotate(
    df: DataFrame,
    image: str = "image",
    *,
    prompt: str | Column,
    url: str | None = None,
    model: str | None = None,
    output: str = "completions",
    system_prompt: str = "You are a helpful assistant.",
    json_schema: dict[str, Any] | str | None = None,
    batch_size: int = 4,
    api_key: str | None = None,
    timeout: float = 120.0,
    retries: int = 5,
    **options: Any,
) -> DataFrame:
    """Asks a medinfer server about the image of each row.

    Every row comes back once, in the order of its partition, with a column `output` of Spark NLP's annotations: one, whose
    `result` is the answer, or empty where the row could not be answered; `metadata.llamacpp_exception` then says why. What no
    row could escape (no server, a wrong key or option, a model that is not there) ends the job instead.

    Nothing is asked before Spark needs the rows, and each action asks anew: write the result, or `persist()` it.

    :param image: column of a file's bytes, of Spark's image struct (`data`: a file's bytes, or OpenCV's grey, BGR or BGRA pixels
        of 8 bits), of Spark NLP's AnnotationImage, or of arrays of these. PDF, DICOM and TIFF go as documents, which the
        server has to take.
    :param prompt: what is asked: a text for all rows, or a column
    :param url: the server's, as executors reach it; default: MEDINFER_URL
    :param model: its name at the server; default: the first there that generates, which the driver asks for
    :param system_prompt: empty: none
    :param json_schema: the form of answers
    :param batch_size: requests at once of each partition that runs, that is of each core of an executor
    :param api_key: the server's key; default: MEDINFER_API_KEY. It goes to executors with the task.
    :param timeout: seconds without a byte of the server, after which a request counts as lost
    :param retries: how often a request that failed is sent again; of a server that says "not yet" (429), for an hour at most
    :param options: those of a request of the library, e.g. `temperature=0, top_k=20, n_predict=200` (docs/reference/options.md)
    :raises ValueError: a column or a value cannot be used
    :raises TypeError: an option is unknown
    """
    types = {each.name: each.dataType for each in df.schema.fields}
    if image not in types or not holds_bytes(types[image]):
        raise ValueError(f"{image} must be a column of bytes, of structs with {', '.join(BYTES_FIELDS)}, or of arrays of these")
    if output in types or _PROMPT in types:
        raise ValueError(f"there is a column {output if output in types else _PROMPT} already: drop it, or name another output")
    if isinstance(prompt, str) and not prompt:
        raise ValueError("prompt must not be empty")
    if batch_size < 1 or timeout <= 0 or retries < 0:
        raise ValueError("batch_size must be 1 or more, timeout above 0, and retries 0 or more")
    fields = request_fields(options)
    if json_schema is not None:
        fields["jsonSchema"] = read_schema(json_schema)
    address = url or os.environ.get("MEDINFER_URL")
    if not address:
        raise ValueError("url is missing: name the server by url, or in MEDINFER_URL")
    split_url(address)
    key = api_key or os.environ.get("MEDINFER_API_KEY")
    name = model or _first_model(Server(address, key, timeout, retries))
    ask = Ask(address, key, name, system_prompt, fields, batch_size, timeout, retries)

    asked = df.withColumn(_PROMPT, F.lit(prompt) if isinstance(prompt, str) else prompt.cast("string"))
    image_at, prompt_at = df.columns.index(image), len(df.columns)

    # Not mapInPandas: pandas would round BIGINTs beside nulls, and refuses timestamps outside of 1677 to 2262.
    def answer(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return answer_rows(batches, ask, image_at, prompt_at, output)

    return asked.mapInArrow(answer, StructType([*df.schema.fields]).add(output, ANNOTATIONS))


def holds_bytes(type_: DataType) -> bool:
    """Whether `annotate` can have images from a column of this type."""
    if isinstance(type_, ArrayType):
        return holds_bytes(type_.elementType)
    if isinstance(type_, StructType):
        first = next((each for name in BYTES_FIELDS for each in type_.fields if each.name == name), None)
        return first is not None and isinstance(first.dataType, BinaryType)
    return isinstance(type_, BinaryType)


def _first_model(server: Server) -> str:
    try:
        listed = server.ask("/v1/models")["data"]
    finally:
        server.close()
    name = next((each["id"] for each in listed if each.get("task", "generate") == "generate"), None)
    if name is None:
        raise ValueError("the server has no model that generates: name another server")
    return str(name)
