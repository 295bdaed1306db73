"""Makes the DICOM files beside it, of formulas that the tests compute again. Nothing in them is of a person.

    python3 -m venv out/dicom && out/dicom/bin/pip install pydicom==3.0.2 numpy pillow==13.0.0 pylibjpeg==2.1.0 pylibjpeg-openjpeg==2.6.0
    out/dicom/bin/python packages/documents/test/files/dicom/make_files.py

Needs DCMTK's dcmcjpeg and dcmcjpls on the path.
"""

import io
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import pydicom
from PIL import Image
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.uid import (
    ExplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGBaseline8Bit,
    RLELossless,
)

HERE = Path(__file__).parent
WIDTH, HEIGHT = 32, 32
X, Y = np.meshgrid(np.arange(WIDTH), np.arange(HEIGHT))
SMOOTH12 = (X * 90 + Y * 40).astype(np.uint16)
ROUGH16 = (X * 1999 + Y * 7919 + (X * Y) % 13 * 401).astype(np.uint16)
RGB = np.stack([X * 8, Y * 8, 255 - X * 4 - Y * 4], -1).astype(np.uint8)


def dataset(pixels: np.ndarray, photometric: str, stored: int, signed: bool = False) -> Dataset:
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "2.25.1"
    ds.StudyInstanceUID, ds.SeriesInstanceUID = "2.25.2", "2.25.3"
    ds.PatientName, ds.PatientID, ds.Modality = "Example^Synthetic", "EXAMPLE-1", "OT"
    ds.StudyDate = ds.StudyTime = ds.AccessionNumber = ds.PatientBirthDate = ds.PatientSex = ""
    ds.ConversionType = "WSD"
    ds.Rows, ds.Columns = HEIGHT, WIDTH
    ds.SamplesPerPixel = pixels.shape[2] if pixels.ndim == 3 else 1
    if ds.SamplesPerPixel > 1:
        ds.PlanarConfiguration = 0
    ds.PhotometricInterpretation = photometric
    ds.BitsAllocated = pixels.dtype.itemsize * 8
    ds.BitsStored, ds.HighBit = stored, stored - 1
    ds.PixelRepresentation = int(signed)
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OW" if ds.BitsAllocated > 8 else "OB"
    return ds


def save(ds: Dataset, name: str) -> Path:
    path = HERE / f"{name}.dcm"
    ds.save_as(path, enforce_file_format=True)
    return path


def by_dcmtk(ds: Dataset, name: str, *command: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        plain = Path(folder) / "plain.dcm"
        ds.save_as(plain, enforce_file_format=True)
        subprocess.run([*command, plain, HERE / f"{name}.dcm"], check=True)


def without_markers(jpeg: bytes) -> bytes:
    """Without Adobe's and JFIF's markers, and with components 1, 2 and 3: nothing tells that the colours are RGB."""
    out, at = bytearray(jpeg[:2]), 2
    while True:
        marker, length = jpeg[at + 1], int.from_bytes(jpeg[at + 2 : at + 4])
        segment = bytearray(jpeg[at : at + 2 + length])
        if marker == 0xC0:
            for index in range(3):
                segment[10 + index * 3] = index + 1
        if marker == 0xDA:
            for index in range(3):
                segment[5 + index * 2] = index + 1
            return bytes(out + segment + jpeg[at + 2 + length :])
        if marker not in (0xE0, 0xEE):
            out += segment
        at += 2 + length


def main() -> None:
    rle = dataset(RGB, "RGB", 8)
    rle.compress(RLELossless, encoding_plugin="pydicom", generate_instance_uid=False)
    rle.PlanarConfiguration = 1
    save(rle, "rle-rgb-planar")

    encoded = io.BytesIO()
    Image.fromarray(RGB).save(encoded, "JPEG", quality=95, subsampling=0, keep_rgb=True)
    plain = dataset(RGB, "RGB", 8)
    plain.file_meta.TransferSyntaxUID = JPEGBaseline8Bit
    plain.PixelData = encapsulate([without_markers(encoded.getvalue())])
    plain["PixelData"].is_undefined_length = True
    save(plain, "jpeg-rgb-without-marker")

    smooth = dataset(SMOOTH12, "MONOCHROME2", 12)
    rough = dataset(ROUGH16, "MONOCHROME2", 16)
    by_dcmtk(smooth, "jpeg-extended-12", "dcmcjpeg", "+ee", "+un")
    by_dcmtk(rough, "jpeg-lossless-sv1", "dcmcjpeg", "+e1", "+un")
    for predictor in range(2, 8):
        by_dcmtk(rough, f"jpeg-lossless-sv{predictor}", "dcmcjpeg", "+el", "+sv", str(predictor), "+un")
    by_dcmtk(dataset(RGB, "RGB", 8), "jpeg-lossless-rgb", "dcmcjpeg", "+e1", "+un")
    by_dcmtk(rough, "jpeg-ls", "dcmcjpls", "+el", "+un")
    by_dcmtk(smooth, "jpeg-ls-near", "dcmcjpls", "+en", "+md", "2", "+un")
    by_dcmtk(dataset(RGB, "RGB", 8), "jpeg-ls-rgb", "dcmcjpls", "+el", "+un")

    signed = dataset(ROUGH16.view(np.int16), "MONOCHROME2", 16, signed=True)
    signed.compress(JPEG2000Lossless, generate_instance_uid=False)
    save(signed, "jpeg-2000-signed-16")
    colour = dataset(RGB, "RGB", 8)
    colour.compress(JPEG2000Lossless, generate_instance_uid=False)
    save(colour, "jpeg-2000-rgb")


if __name__ == "__main__":
    assert pydicom.__version__ == "3.0.2"
    main()
