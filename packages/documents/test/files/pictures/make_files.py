"""Makes the pictures beside it, of formulas that the tests compute again. Nothing in them is of a person.

    python3 -m venv out/pictures && out/pictures/bin/pip install pillow==13.0.0 pillow-heif==1.8.1
    out/pictures/bin/python packages/documents/test/files/pictures/make_files.py

Needs tiffcp of libtiff's tools (4.5.0) on the path.
"""

import io
import struct
import subprocess
import tempfile
from pathlib import Path

import pillow_heif
from PIL import Image, TiffImagePlugin

HERE = Path(__file__).parent
WIDTH, HEIGHT = 48, 32


def is_black(x: int, y: int, page: int = 0) -> bool:
    """The stripes of a fax: each page has others."""
    return (x // 8 + y // 4 * (page + 1)) % 3 == 0


def fax(width: int, height: int, page: int = 0) -> Image.Image:
    image = Image.new("1", (width, height), 1)
    image.putdata([0 if is_black(x, y, page) else 255 for y in range(height) for x in range(width)])
    return image


def colours(width: int = WIDTH, height: int = HEIGHT) -> Image.Image:
    """Quarters: red, green, blue and white, from the upper left one by rows."""
    image = Image.new("RGB", (width, height), "white")
    image.paste((255, 0, 0), (0, 0, width // 2, height // 2))
    image.paste((0, 255, 0), (width // 2, 0, width, height // 2))
    image.paste((0, 0, 255), (0, height // 2, width // 2, height))
    return image


def by_tiffcp(pages: list[Image.Image], name: str, *arguments: str, dpi: tuple[float, float] = (200, 200)) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plain = []
        for index, page in enumerate(pages):
            plain.append(Path(folder) / f"{index}.tif")
            page.save(plain[-1], dpi=dpi)
        subprocess.run(["tiffcp", *arguments, *plain, HERE / f"{name}.tif"], check=True)


def old_style_jpeg() -> None:
    """Compression 6 of TIFF 6.0, part 22: the JPEG stands whole in the file, the strip is its entropy-coded part."""
    encoded = io.BytesIO()
    colours().save(encoded, "JPEG", quality=95, subsampling=0)
    jpeg = encoded.getvalue()
    at = 2
    while jpeg[at + 1] != 0xDA:
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    scan = at + 2 + int.from_bytes(jpeg[at + 2 : at + 4])
    entries = [
        (256, 4, 1, WIDTH),
        (257, 4, 1, HEIGHT),
        (258, 3, 3, 0),  # where it is stands below
        (259, 3, 1, 6),
        (262, 3, 1, 6),
        (273, 4, 1, 0),
        (277, 3, 1, 3),
        (278, 4, 1, HEIGHT),
        (279, 4, 1, len(jpeg) - 2 - scan),
        (512, 3, 1, 1),
        (513, 4, 1, 0),
        (514, 4, 1, len(jpeg)),
        (530, 3, 2, 1 | 1 << 16),
    ]
    bits = 8 + 2 + 12 * len(entries) + 4
    start = bits + 6
    places = {258: bits, 273: start + scan, 513: start}
    directory = struct.pack("<H", len(entries))
    for tag, kind, count, value in entries:
        directory += struct.pack("<HHII", tag, kind, count, places.get(tag, value))
    file = b"II*\0" + struct.pack("<I", 8) + directory + struct.pack("<I", 0) + struct.pack("<3H", 8, 8, 8) + jpeg
    (HERE / "old-style-jpeg.tif").write_bytes(file)


def heic() -> None:
    """As a phone writes it: stored on its side, with the turn in the container and in EXIF as well."""
    exif = Image.Exif()
    exif[0x0112] = 6
    stored = colours(128, 96).transpose(Image.Transpose.ROTATE_90)
    pillow_heif.from_pillow(stored).save(HERE / "turned.heic", quality=95, exif=exif.tobytes())
    several = pillow_heif.from_pillow(colours(128, 96))
    several.add_from_pillow(colours(96, 128))
    several.save(HERE / "two.heic", quality=95, primary_index=1)


def main() -> None:
    pages = [fax(96, 40), fax(96, 64, 1), fax(96, 52, 2)]
    by_tiffcp(pages, "fax-g3-1d", "-c", "g3:1d", dpi=(204, 196))
    by_tiffcp(pages, "fax-g3-2d", "-c", "g3:2d:fill")
    by_tiffcp(pages, "fax-g4", "-c", "g4", "-f", "lsb2msb")
    by_tiffcp([fax(96, 40)], "fax-standard", "-c", "g3:1d", dpi=(204, 98))
    for codec in ("lzw", "zip", "packbits", "zstd", "lzma"):
        by_tiffcp([colours()], f"colours-{codec}", "-c", codec)
    by_tiffcp([colours()], "colours-jpeg", "-c", "jpeg:95:r")
    by_tiffcp([colours()], "colours-tiles-planes", "-t", "-w", "32", "-l", "16", "-p", "separate", "-c", "lzw")
    old_style_jpeg()
    heic()


if __name__ == "__main__":
    TiffImagePlugin.WRITE_LIBTIFF = False
    main()
