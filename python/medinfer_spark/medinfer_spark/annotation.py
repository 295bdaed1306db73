"""Spark NLP's annotations."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import pyarrow as pa
from pyspark.sql.types import ArrayType, FloatType, IntegerType, MapType, StringType, StructField, StructType

ANNOTATIONS = ArrayType(
    StructType(
        [
            StructField("annotatorType", StringType()),
            StructField("begin", IntegerType()),
            StructField("end", IntegerType()),
            StructField("result", StringType()),
            StructField("metadata", MapType(StringType(), StringType())),
            StructField("embeddings", ArrayType(FloatType())),
        ]
    )
)
"""array<struct<annotatorType,begin,end,result,metadata,embeddings>>"""

_ARROW_TYPE = pa.list_(
    pa.struct(
        [
            ("annotatorType", pa.string()),
            ("begin", pa.int32()),
            ("end", pa.int32()),
            ("result", pa.string()),
            ("metadata", pa.map_(pa.string(), pa.string())),
            ("embeddings", pa.list_(pa.float32())),
        ]
    )
)


@dataclass(frozen=True)
class Annotation:
    """What became of a row."""

    result: str
    metadata: dict[str, str] = field(default_factory=dict)


def to_arrow(annotations: Iterable[Annotation]) -> pa.Array:
    """A column of one annotation each, as Spark NLP makes them of completions."""
    rows = [
        [
            {
                "annotatorType": "document",
                "begin": 0,
                "end": _utf16_length(each.result) - 1,
                "result": each.result,
                "metadata": list(each.metadata.items()),
                "embeddings": [],
            }
        ]
        for each in annotations
    ]
    return pa.array(rows, type=_ARROW_TYPE)


def _utf16_length(text: str) -> int:
    """As Java counts, in which Spark NLP does."""
    return len(text.encode("utf-16-le")) // 2
