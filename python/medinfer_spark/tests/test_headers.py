"""Sizes in headers, against Spark's own reader of images."""

from __future__ import annotations

from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from support import EXAMPLES, write_as

from medinfer_spark.headers import size_of


def test_sizes_are_those_of_spark(spark: SparkSession, tmp_path: Path) -> None:
    for source in sorted(EXAMPLES.glob("*.png"))[:2]:
        for kind in ("png", "jpg", "gif", "bmp"):
            write_as(spark, source, tmp_path / f"{source.stem}.{kind}", kind)
    rows = spark.read.format("image").load(str(tmp_path)).select("image.*").collect()
    assert len(rows) == 8
    for row in rows:
        head = Path(row.origin.removeprefix("file://")).read_bytes()
        assert size_of(head) == (row.height, row.width, row.nChannels), row.origin


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"\xff\xd8\xff\xe0\0\x10", b"BM", b"GIF89a\0", b"text"])
def test_what_has_no_size(data: bytes) -> None:
    assert size_of(data) is None


def test_a_jpeg_whose_segment_has_no_length_ends() -> None:
    assert size_of(b"\xff\xd8\xff\xe0\0\0" + b"\xff\xe0\0\0" * 9) is None
