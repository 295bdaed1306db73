"""From the value of an image column to the parts of a message."""

from __future__ import annotations

import base64
from typing import Any

from medinfer_spark.errors import RowError
from medinfer_spark.kinds import DOCUMENTS, UNKNOWN, is_surely_file, kind_of
from medinfer_spark.png import encode_png

BYTES_FIELDS = ("data", "content", "result")
"""Where a struct has its bytes: Spark's images, its binary files, Spark NLP's AnnotationImage."""

MODES = {1: 0, 3: 16, 4: 24}
"""OpenCV's type of so many channels of 8 bits: CV_8UC1, CV_8UC3 and CV_8UC4."""


def parts_of(value: Any) -> list[dict[str, Any]]:
    """The images and documents of a row, as parts of OpenAI's messages.

    :param value: bytes, a struct as dict, or a list of either
    :raises RowError: nothing that could be sent is there
    """
    values = value if isinstance(value, list) else [value]
    if not values:
        raise RowError("invalid_image", "the row has no image")
    return [_part(each) for each in values]


def _part(value: Any) -> dict[str, Any]:
    data = value if isinstance(value, bytes) else _bytes_of(value)
    if not data:
        raise RowError("invalid_image", "the row's image is null or has no bytes")
    if isinstance(value, dict) and _holds_pixels(value, data):
        data = encode_png(data, value["height"], value["width"], value["nChannels"])
    kind = kind_of(data)
    url = f"data:{kind};base64,{base64.b64encode(data).decode('ascii')}"
    if kind in DOCUMENTS:
        # A name of its own: that of the file may be a patient's.
        return {"type": "file", "file": {"filename": f"document.{DOCUMENTS[kind]}", "file_data": url}}
    return {"type": "image_url", "image_url": {"url": url}}


def _bytes_of(value: dict[str, Any] | None) -> bytes | None:
    if value is None:
        return None
    return next((value[name] for name in BYTES_FIELDS if name in value), None)


def _holds_pixels(image: dict[str, Any], data: bytes) -> bool:
    """Whether a struct has pixels in place of a file's bytes: as many as its size says.

    :raises RowError: pixels of a type that is not 8 bits
    """
    height, width, channels = (int(image.get(name) or 0) for name in ("height", "width", "nChannels"))
    if min(height, width, channels) < 1 or is_surely_file(data):
        return False
    mode = image.get("mode")
    if channels in (1, 3, 4) and len(data) == height * width * channels and mode in (None, MODES[channels]):
        return True
    if kind_of(data) == UNKNOWN and len(data) % (height * width) == 0:
        what = f"{len(data)} bytes for {height} x {width} pixels of {channels} channels, type {mode}"
        raise RowError("invalid_image", f"pixels must be OpenCV's CV_8UC1, CV_8UC3 or CV_8UC4 (got {what})")
    return False
