"""Height, width and channels of JPEG, PNG, GIF and BMP files, as their headers say."""

from __future__ import annotations

import struct

from medinfer_spark.kinds import kind_of

HEADER_BYTES = 1 << 18
"""So much of a file is looked at: a JPEG has its size behind its metadata, in segments of up to 64 KiB."""

_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG's markers that begin a frame (ITU-T T.81, table B.1)."""


def size_of(head: bytes) -> tuple[int, int, int] | None:
    """Height, width and channels, as Spark's reader of images counts them: 1 grey, 3 colours, 4 with transparency.

    :param head: the first HEADER_BYTES of a file
    :returns: None where they cannot be told
    """
    try:
        match kind_of(head):
            case "image/png":
                width, height, _, colours = struct.unpack_from(">IIBB", head, 16)
                return height, width, {0: 1, 4: 4, 6: 4}.get(colours, 3)
            case "image/gif":
                width, height = struct.unpack_from("<HH", head, 6)
                return height, width, 3
            case "image/bmp":
                return _bmp_size(head)
            case "image/jpeg":
                return _jpeg_size(head)
    except (struct.error, IndexError):
        pass
    return None


def _bmp_size(head: bytes) -> tuple[int, int, int]:
    (header_bytes,) = struct.unpack_from("<I", head, 14)
    if header_bytes == 12:  # OS/2's
        width, height, _, bits = struct.unpack_from("<HHHH", head, 18)
    else:
        width, height, _, bits = struct.unpack_from("<iiHH", head, 18)
    return abs(height), width, 4 if bits == 32 else 3


def _jpeg_size(head: bytes) -> tuple[int, int, int] | None:
    at = 2
    while at < len(head):
        if head[at] != 0xFF:
            return None
        marker = head[at + 1]
        if marker == 0xFF:  # fill
            at += 1
        elif marker in _FRAMES:
            height, width, components = struct.unpack_from(">HHB", head, at + 5)
            return height, width, 1 if components == 1 else 3
        elif marker == 0xDA:
            return None
        else:
            at += 2 + int(struct.unpack_from(">H", head, at + 2)[0])
    return None
