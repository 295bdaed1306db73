#!/usr/bin/env bash
# pydicom 3.0.2's apply_color_lut reads the palette of a big endian file with its bytes in the wrong order.
#
# Versions:  pydicom 3.0.2, numpy 2.4.6, both from PyPI.
# Expected:  PS3.3 section C.7.6.3.1.6: palette data of VR OW is words in the byte order of the transfer syntax. The same picture and
#            palette, stored in Explicit VR Little Endian and in Explicit VR Big Endian, give the same colours.
# Seen:      The words of (0028,1201), (0028,1202) and (0028,1203) are read as little endian in both: 0x1200 becomes 0x0012. Scaled to
#            8 bits the picture is nearly black, or noise. No error, no warning. Segmented palettes and the pixels are read right.
# Matters:   A reference made with pydicom is wrong for such files: pydicom-data's OBXXXX1A_expb.dcm is the same picture as its
#            OBXXXX1A.dcm, and comes out otherwise. DCMTK's dcm2pnm shows both alike.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
python=${PYTHON:-python3}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
"$python" -m pip install --quiet --no-compile --target "$tmp/site" pydicom==3.0.2 numpy==2.4.6

cat > "$tmp/palette.py" <<'PY'
import io
import sys

import numpy as np
import pydicom
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.pixels import apply_color_lut
from pydicom.uid import ExplicitVRBigEndian, ExplicitVRLittleEndian


def stored(syntax, order):
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = syntax
    ds.SOPClassUID = ds.file_meta.MediaStorageSOPClassUID = "1.2.840.10008.5.1.4.1.1.7"
    ds.SOPInstanceUID = ds.file_meta.MediaStorageSOPInstanceUID = "2.25.1"
    ds.Rows, ds.Columns, ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, 2, 1, "PALETTE COLOR"
    ds.BitsAllocated = ds.BitsStored = 16
    ds.HighBit, ds.PixelRepresentation = 15, 0
    for name in ("Red", "Green", "Blue"):
        setattr(ds, f"{name}PaletteColorLookupTableDescriptor", [2, 0, 16])
        setattr(ds, f"{name}PaletteColorLookupTableData", np.array([0x1200, 0x3400], f"{order}u2").tobytes())
    ds.PixelData = np.array([0, 1], f"{order}u2").tobytes()
    ds["PixelData"].VR = "OW"
    file = io.BytesIO()
    ds.save_as(file, enforce_file_format=True)
    file.seek(0)
    return pydicom.dcmread(file)


seen = {}
for name, syntax, order in (("little", ExplicitVRLittleEndian, "<"), ("big", ExplicitVRBigEndian, ">")):
    ds = stored(syntax, order)
    seen[name] = apply_color_lut(ds.pixel_array, ds)[0, :, 0].tolist()
    print(f"pydicom {pydicom.__version__}, {name} endian: pixels {ds.pixel_array.tolist()}, red {[hex(v) for v in seen[name]]}")
described = seen == {"little": [0x1200, 0x3400], "big": [0x12, 0x34]}
print("as described" if described else "CHANGED")
sys.exit(0 if described else 1)
PY
PYTHONPATH="$tmp/site" "$python" "$tmp/palette.py"
