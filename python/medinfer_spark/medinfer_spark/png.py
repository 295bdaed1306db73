"""Pixels as OpenCV has them to a PNG file (ISO/IEC 15948): lossless, and read by every server."""

from __future__ import annotations

import struct
import zlib

_COLOUR_TYPES = {1: 0, 3: 2, 4: 6}
"""PNG's colour type of so many channels: grey, RGB, RGBA."""


def encode_png(data: bytes, height: int, width: int, channels: int) -> bytes:
    """A PNG of grey, BGR or BGRA pixels of 8 bits, row by row from the top, without padding.

    :param channels: 1, 3 or 4
    """
    pixels = memoryview(data) if channels == 1 else memoryview(_swap_red_and_blue(data, channels))
    stride = width * channels
    # Each row begins with its filter: 0, none.
    rows = b"".join(part for y in range(height) for part in (b"\0", pixels[y * stride : (y + 1) * stride]))
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOUR_TYPES[channels], 0, 0, 0)
    # Level 1: the network is faster than a better compression.
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(rows, 1)) + _chunk(b"IEND", b"")


def _swap_red_and_blue(data: bytes, channels: int) -> bytearray:
    swapped = bytearray(data)
    swapped[0::channels] = data[2::channels]
    swapped[2::channels] = data[0::channels]
    return swapped


def _chunk(name: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(content, zlib.crc32(name))
    return struct.pack(">I", len(content)) + name + content + struct.pack(">I", checksum)
