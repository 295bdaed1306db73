"""PNG files of pixels, read again by Java's decoder."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pyspark.sql import SparkSession

from medinfer_spark.png import encode_png


@pytest.mark.parametrize(("channels", "height", "width"), [(1, 5, 7), (3, 4, 9), (4, 6, 3), (3, 1, 1)])
def test_pixels_come_back_as_they_were(spark: SparkSession, channels: int, height: int, width: int) -> None:
    data = random.Random(channels).randbytes(height * width * channels)
    java: Any = spark.sparkContext._jvm
    picture = java.javax.imageio.ImageIO.read(java.java.io.ByteArrayInputStream(encode_png(data, height, width, channels)))
    assert (picture.getHeight(), picture.getWidth()) == (height, width)
    for y in range(height):
        for x in range(width):
            at = (y * width + x) * channels
            samples = [picture.getRaster().getSample(x, y, band) for band in range(picture.getRaster().getNumBands())]
            pixel = list(data[at : at + channels])
            # BGR to RGB; transparency stays last.
            assert samples == (pixel if channels == 1 else pixel[2::-1] + pixel[3:])
