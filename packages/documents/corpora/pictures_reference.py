"""Reads pictures with Pillow and pillow-heif, for pictures.mjs.

    python pictures_reference.py FOLDER < paths

For each path a line of JSON: `pages`, each with `width`, `height`, `channels` and `about`; or `error`. Their samples of 8 bits, over white,
lie in FOLDER as N.P.bin, N the number of the line and P that of the page. How other samples become 8 bits:
16 bits: the upper 8, negative ones 0. 12 bits: the upper 8 of 12. 32 bits and floating point: cut off at 0 and 255, for nothing tells
their range. Signed ones of 8 bits: as unsigned ones, as libtiff's own pictures are.
Colours with a profile and Lab: by LittleCMS, to sRGB. CMYK without a profile: by Pillow.
"""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pillow_heif
from PIL import Image, ImageCms, ImageOps, features

pillow_heif.register_heif_opener()
Image.MAX_IMAGE_PIXELS = 100_000_000
WIDE = ("I;16", "I;16L", "I;16B", "I;16N")


def eight_bits(image: Image.Image) -> np.ndarray:
    if image.mode in WIDE:
        values = np.asarray(image).astype(np.uint16)
        bits = image.tag_v2.get(258, (16,))[0] if hasattr(image, "tag_v2") else 16
        return (values >> (4 if bits == 12 else 8)).astype(np.uint8)
    if image.mode == "I" and image.format == "TIFF" and image.tag_v2.get(258) == (16,):
        return (np.clip(np.asarray(image), 0, None) >> 8).astype(np.uint8)
    if image.mode in ("I", "F"):
        return np.clip(np.nan_to_num(np.asarray(image)), 0, 255).astype(np.uint8)
    if image.mode == "LAB":
        transform = ImageCms.buildTransform(ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), "LAB", "RGB")
        image = ImageCms.applyTransform(image, transform)
    profile = image.info.get("icc_profile")
    if profile and image.mode in ("RGB", "RGBA", "CMYK"):
        alpha = image.getchannel("A") if image.mode == "RGBA" else None
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        opaque = image if alpha is None else image.convert("RGB")
        image = ImageCms.profileToProfile(opaque, source, ImageCms.createProfile("sRGB"), outputMode="RGB")
        if alpha is not None:
            image.putalpha(alpha)
    if image.has_transparency_data:
        rgba = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", rgba.size, "white"), rgba)
    return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))


def is_primary(image: Image.Image, frame: int) -> bool:
    image.seek(frame)
    return bool(image.info["primary"])


def pages_of(image: Image.Image) -> list[int]:
    """Of TIFF without small copies and masks (NewSubfileType), unless all are; of HEIF the primary one first."""
    every = range(getattr(image, "n_frames", 1))
    if image.format == "HEIF":
        primary = next((frame for frame in every if is_primary(image, frame)), 0)
        return [primary, *(frame for frame in every if frame != primary)]
    if image.format != "TIFF":
        return list(every)
    found = []
    for frame in every:
        image.seek(frame)
        if image.tag_v2.get(254, 0) & 0b101 == 0:
            found.append(frame)
    return found or [0]


def read(path: str, folder: Path, number: int) -> dict[str, object]:
    pages = []
    with Image.open(path) as image:
        for count, frame in enumerate(pages_of(image), 1):
            image.seek(frame)
            # Of TIFF, Pillow turns the page itself.
            image.load()
            compression = image.info.get("compression", "")
            about = f"{image.mode} {compression} {'ICC' if image.info.get('icc_profile') else ''}".strip()
            upright = image if image.format in ("TIFF", "HEIF") else ImageOps.exif_transpose(image)
            samples = eight_bits(upright)
            height, width = samples.shape[:2]
            channels = samples.shape[2] if samples.ndim == 3 else 1
            (folder / f"{number}.{count}.bin").write_bytes(samples.tobytes())
            pages.append({"width": width, "height": height, "channels": channels, "about": about})
    return {"pages": pages}


def main() -> None:
    folder = Path(sys.argv[1])
    versions = {name: features.version(name) for name in ("pil", "libtiff", "avif", "webp")}
    print(json.dumps({**versions, "libheif": pillow_heif.libheif_version()}))
    for number, line in enumerate(sys.stdin):
        try:
            result = read(line.rstrip("\n"), folder, number)
        except Exception as error:  # whatever it is, it is no reference
            result = {"error": f"{type(error).__name__}: {str(error)[:80]}"}
        print(json.dumps(result), flush=True)


if __name__ == "__main__":
    main()
