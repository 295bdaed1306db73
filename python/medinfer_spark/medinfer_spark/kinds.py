"""What kind of file bytes are, by how they begin."""

from __future__ import annotations

DOCUMENTS = {"application/pdf": "pdf", "application/dicom": "dcm", "image/tiff": "tif"}
"""Kinds that may have several pages, and how their files' names end."""

UNKNOWN = "image/x-unknown"
"""Sent as it is: what a server cannot read, it says itself."""


def kind_of(data: bytes) -> str:
    """The MIME type, or UNKNOWN."""
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if data.startswith(b"BM"):
        return "image/bmp"
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return "image/webp"
    if data.startswith((b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")):
        return "image/tiff"
    if data[4:8] == b"ftyp":
        return "image/avif" if data[8:12] in (b"avif", b"avis") else "image/heic"
    # Some writers put a few bytes in front.
    if b"%PDF-" in data[:1024]:
        return "application/pdf"
    if data[128:132] == b"DICM":
        return "application/dicom"
    return UNKNOWN


def is_surely_file(data: bytes) -> bool:
    """Whether bytes are a file although pixels of their size would be as long: their marks are too long to be chance."""
    kind = kind_of(data)
    if kind == "image/jpeg":
        return data.endswith(b"\xff\xd9")
    if kind == "image/bmp":
        return data[2:6] == len(data).to_bytes(4, "little")
    return kind in ("image/png", "image/gif", "image/webp", "application/pdf", "application/dicom")
