"""From what a column holds to the parts of a message."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from support import EXAMPLES

from medinfer_spark.errors import RowError
from medinfer_spark.parts import parts_of
from medinfer_spark.png import encode_png

PNG = (EXAMPLES / "00000.png").read_bytes()


def sent(value: Any) -> tuple[str, bytes]:
    """Kind and bytes of the one part."""
    (part,) = parts_of(value)
    url = part["image_url"]["url"] if part["type"] == "image_url" else part["file"]["file_data"]
    head, content = url.split(",", 1)
    return head, base64.b64decode(content)


def pixels(data: bytes, height: int, width: int, channels: int, mode: int) -> dict[str, Any]:
    return {"origin": "", "height": height, "width": width, "nChannels": channels, "mode": mode, "data": data}


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"GIF89a", "image/gif"),
        (b"BM", "image/bmp"),
        (b"RIFF\0\0\0\0WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"\0\0\0\x18ftypavif", "image/avif"),
        (b"no picture", "image/x-unknown"),
    ],
)
def test_files_are_told_by_their_first_bytes(head: bytes, kind: str) -> None:
    data = head + bytes(40)
    assert sent(data) == (f"data:{kind};base64", data)


@pytest.mark.parametrize(
    ("data", "kind", "name"),
    [
        (b"%PDF-1.7 ...", "application/pdf", "document.pdf"),
        (b"\n\n%PDF-1.4 ...", "application/pdf", "document.pdf"),
        (bytes(128) + b"DICM...", "application/dicom", "document.dcm"),
        (b"II*\0....", "image/tiff", "document.tif"),
        (b"MM\0*....", "image/tiff", "document.tif"),
    ],
)
def test_documents_are_files_without_their_name(data: bytes, kind: str, name: str) -> None:
    value = {"path": "/wards/3/doe-john.pdf", "content": data}
    assert sent(value) == (f"data:{kind};base64", data)
    assert parts_of(value)[0]["file"]["filename"] == name
    assert "doe" not in str(parts_of(value))


@pytest.mark.parametrize(("channels", "mode"), [(1, 0), (3, 16), (4, 24)])
def test_pixels_become_png(channels: int, mode: int) -> None:
    data = bytes(range(6 * channels))
    assert sent(pixels(data, 2, 3, channels, mode)) == ("data:image/png;base64", encode_png(data, 2, 3, channels))


@pytest.mark.parametrize("head", [b"\xff\xd8\xff", b"BM", b"II*\0"])
def test_pixels_that_begin_like_a_file_are_pixels(head: bytes) -> None:
    data = head + bytes(48 - len(head))
    assert sent(pixels(data, 4, 4, 3, 16))[1] == encode_png(data, 4, 4, 3)


@pytest.mark.parametrize("data", [PNG, b"\xff\xd8\xff" + bytes(43) + b"\xff\xd9", b"BM\x30\0\0\0" + bytes(42)])
def test_a_file_as_long_as_its_pixels_is_a_file(data: bytes) -> None:
    assert sent(pixels(data, 1, len(data) // 3, 3, 16) if len(data) % 3 == 0 else pixels(data, 1, len(data), 1, 0))[1] == data


def test_a_file_in_an_image_struct() -> None:
    assert sent(pixels(PNG, 865, 789, 3, 16))[1] == PNG
    assert sent(pixels(PNG, -1, -1, -1, -1))[1] == PNG
    assert sent({"result": PNG, "annotatorType": "image"})[1] == PNG


def test_several_images_of_a_row() -> None:
    assert [part["type"] for part in parts_of([PNG, {"data": PNG}, b"%PDF-1.7"])] == ["image_url", "image_url", "file"]


@pytest.mark.parametrize("value", [None, b"", [], [None], {"data": None}, {"data": b""}, pixels(bytes(24), 2, 3, 1, 5)])
def test_what_cannot_be_sent(value: Any) -> None:
    with pytest.raises(RowError) as caught:
        parts_of(value)
    assert caught.value.code == "invalid_image"
