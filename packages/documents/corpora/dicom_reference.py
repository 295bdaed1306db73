"""What a viewer shows of each DICOM file of pydicom and pydicom-data, made with pydicom and numpy: called by dicom.mjs.

Writes one JSON line a file to standard output, and the frames as 8 bits a sample, one after the other, to FOLDER/NUMBER.bin.
"""

import json
import logging
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import pydicom
from pydicom.pixels import apply_color_lut, apply_modality_lut, apply_voi, apply_windowing, pixel_array

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

SITE = Path(pydicom.__file__).parent.parent
FOLDERS = ["pydicom/data/test_files", "pydicom/data/charset_files", "data_store/data"]
OTHERS = {".py", ".pyc", ".json", ".txt", ".md", ".gz", ".zip", ".dump", ".icc"}


def for_frame(ds, keyword, index):
    """The first item that holds for a frame in the functional groups."""
    for groups, at in (("PerFrameFunctionalGroupsSequence", index), ("SharedFunctionalGroupsSequence", 0)):
        items = ds.get(groups) or []
        if at < len(items) and items[at].get(keyword):
            return items[at][keyword].value[0]
    return None


def to_eight(values, low, high):
    if high <= low:
        return np.zeros(values.shape, np.uint8)
    # Rounded half up, as JavaScript does.
    return np.floor(np.clip((values - low) / (high - low), 0, 1) * 255 + 0.5).astype(np.uint8)


def windowed_range(ds):
    """The range of what apply_windowing gives."""
    bits = ds.BitsStored
    if ds.get("ModalityLUTSequence"):
        return 0, 2 ** ds.ModalityLUTSequence[0].LUTDescriptor[2] - 1
    low, high = (0, 2**bits - 1) if ds.PixelRepresentation == 0 else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    if "RescaleSlope" in ds:
        slope, intercept = float(ds.RescaleSlope), float(ds.RescaleIntercept)
        low, high = low * slope + intercept, high * slope + intercept
    return low, high


def grey(ds, stored, index):
    settings = pydicom.Dataset()
    settings.file_meta = ds.file_meta if hasattr(ds, "file_meta") else None
    settings.update(ds)
    for keyword in ("FrameVOILUTSequence", "PixelValueTransformationSequence"):
        item = for_frame(ds, keyword, index)
        if item is not None:
            settings.update(item)
    values = apply_modality_lut(stored, settings)
    if settings.get("VOILUTSequence"):
        seen = to_eight(apply_voi(values, settings, index=0).astype(float), 0, 2 ** settings.VOILUTSequence[0].LUTDescriptor[2] - 1)
    elif settings.get("WindowCenter") is not None and settings.get("WindowWidth") is not None:
        seen = to_eight(apply_windowing(values, settings, index=0), *windowed_range(settings))
    elif ds.BitsStored <= 8 and "RescaleSlope" not in settings and not settings.get("ModalityLUTSequence"):
        low = 0 if ds.PixelRepresentation == 0 else -(2 ** (ds.BitsStored - 1))
        seen = to_eight(values.astype(float), low, low + 2**ds.BitsStored - 1)
    else:
        inside = values[stored != ds.PixelPaddingValue] if "PixelPaddingValue" in ds else values
        seen = to_eight(values.astype(float), float(inside.min()), float(inside.max()))
    if ds.PhotometricInterpretation == "MONOCHROME1":
        seen = 255 - seen
    if "PixelPaddingValue" in ds:
        seen[stored == ds.PixelPaddingValue] = 0
    return seen


def supplemental(ds, stored, seen):
    """Colours of a grey picture, which apply_color_lut does not make."""
    if ds.get("PixelPresentation") not in ("COLOR", "MIXED") or "RedPaletteColorLookupTableDescriptor" not in ds:
        return seen
    count, first, _ = ds.RedPaletteColorLookupTableDescriptor
    page = np.stack([seen] * 3, -1)
    for channel, name in enumerate(("Red", "Green", "Blue")):
        entries = np.frombuffer(ds[f"{name}PaletteColorLookupTableData"].value, "<u2") >> 8
        page[stored >= first, channel] = entries[np.minimum(stored[stored >= first].astype(int) - first, count - 1)]
    return page


def colours(ds, stored):
    if ds.PhotometricInterpretation == "PALETTE COLOR":
        mapped = apply_color_lut(stored, ds)
        return mapped.astype(np.uint8) if mapped.dtype.itemsize == 1 else (mapped >> 8).astype(np.uint8)
    return to_eight(stored.astype(float), 0, 2**ds.BitsStored - 1)


def draw_overlays(ds, page):
    for group in range(0x6000, 0x6020, 2):
        if (group, 0x3000) not in ds:
            continue
        bits = ds.overlay_array(group)
        top, left = (int(v) - 1 for v in ds[group, 0x0050].value)
        for y, x in zip(*np.nonzero(bits), strict=True):
            if 0 <= y + top < page.shape[0] and 0 <= x + left < page.shape[1]:
                page[y + top, x + left] = 255


def squared(ds, page):
    ratio = 1.0
    for keyword in ("NominalScannedPixelSpacing", "PixelSpacing", "ImagerPixelSpacing", "PixelAspectRatio"):
        values = [float(value) for value in ds.get(keyword) or []]
        if len(values) == 2 and min(values) > 0:
            ratio = values[0] / values[1]
            break
    if abs(ratio - 1) <= 0.005:
        return page
    axis = 0 if ratio > 1 else 1
    size = page.shape[axis]
    wanted = int(np.floor(size * (ratio if ratio > 1 else 1 / ratio) + 0.5))
    places = np.clip((np.arange(wanted) + 0.5) * size / wanted - 0.5, 0, size - 1)
    first = np.floor(places).astype(int)
    second = np.minimum(size - 1, first + 1)
    part = (places - first).reshape([-1, 1] if axis == 0 else [1, -1])
    part = part[..., None] if page.ndim == 3 else part
    a, b = np.take(page, first, axis).astype(float), np.take(page, second, axis).astype(float)
    return np.floor(a + (b - a) * part + 0.5).astype(np.uint8)


def frames(path):
    ds = pydicom.dcmread(path, force=True)
    count = int(ds.get("NumberOfFrames") or 1)
    source = ds
    if not getattr(getattr(ds, "file_meta", None), "TransferSyntaxUID", None):
        # Bare data sets: pydicom asks for a syntax, and has seen which one it is.
        ds.file_meta = pydicom.dataset.FileMetaDataset()
        implicit = ds.original_encoding[0]
        ds.file_meta.TransferSyntaxUID = pydicom.uid.ImplicitVRLittleEndian if implicit else pydicom.uid.ExplicitVRLittleEndian
    for index in range(count):
        stored = pixel_array(source, index=index)
        if ds.SamplesPerPixel == 1 and ds.PhotometricInterpretation != "PALETTE COLOR":
            page = supplemental(ds, stored, grey(ds, stored, index))
        else:
            page = colours(ds, stored)
        page = np.ascontiguousarray(page)
        draw_overlays(ds, page)
        yield squared(ds, page)


def main(folder):
    number = 0
    for root in FOLDERS:
        for path in sorted((SITE / root).rglob("*")):
            if not path.is_file() or path.suffix in OTHERS:
                continue
            number += 1
            row = {"number": number, "name": str(path.relative_to(SITE)), "path": str(path)}
            try:
                ds = pydicom.dcmread(path, force=True, stop_before_pixels=True)
                row["syntax"] = str(getattr(getattr(ds, "file_meta", None), "TransferSyntaxUID", "")) or "none"
                row["sop"] = str(ds.get("SOPClassUID", ""))
                full = pydicom.dcmread(path, force=True)
                row["pixels"] = any(k in full for k in ("PixelData", "FloatPixelData", "DoubleFloatPixelData"))
                row["encapsulated"] = "EncapsulatedDocument" in full
            except Exception as error:  # noqa: BLE001
                row["unreadable"] = repr(error)[:120]
            if row.get("pixels"):
                begin = time.time()
                try:
                    pages = list(frames(path))
                    row["shapes"] = [list(page.shape) for page in pages]
                    (folder / f"{number}.bin").write_bytes(b"".join(page.tobytes() for page in pages))
                    row["ms"] = round((time.time() - begin) * 1000)
                except Exception as error:  # noqa: BLE001
                    row["error"] = repr(error)[:200]
            print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
