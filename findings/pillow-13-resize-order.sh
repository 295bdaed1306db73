#!/usr/bin/env bash
# Pillow 13.0.0 gives other pixels than 12.3.0 for the same Image.resize of a high, narrow picture.
#
# Versions:  pillow 12.3.0 and 13.0.0, numpy 2.4.6, all from PyPI.
# Expected:  Image.resize with the bicubic filter, RGB 97x391 to 112x112 (width x height), returns the same pixels in both versions. A
#            resize is two passes, one for each direction, with rounding to 8 bits in between; 12.3.0 always begins with the horizontal
#            pass, so one call equals resize((112, 391)) followed by resize((112, 112)).
# Seen:      13.0.0 begins with the vertical pass for this picture: it equals resize((97, 112)) followed by resize((112, 112)), and no
#            longer the two steps above. More than a quarter of all values differ, by up to 8 of 255 (noise is the worst case).
#            A 640x480 or 480x640 picture that becomes 224x224 is treated as before. In a few trials the new order came with pictures
#            that are higher than wide by more than about 5:3, and with those that shrink in height but not in width.
# Matters:   Image processors of vision models that resize with Pillow feed the model other input after the upgrade, for such pictures
#            only. A reference made with one version cannot be compared exactly with the other, nor with a reimplementation that has the
#            order fixed.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
python=${PYTHON:-python3}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

"$python" -m pip install --quiet --no-compile --target "$tmp/numpy" numpy==2.4.6
for version in 12.3.0 13.0.0; do
    "$python" -m pip install --quiet --no-compile --no-deps --target "$tmp/$version" "pillow==$version"
done

cat > "$tmp/resize.py" <<'PY'
import sys

import numpy as np
import PIL
from PIL import Image

noise = np.random.default_rng(0).integers(0, 256, (391, 97, 3), dtype=np.uint8)
wide = np.random.default_rng(1).integers(0, 256, (480, 640, 3), dtype=np.uint8)


def steps(pixels, *sizes):
    image = Image.fromarray(pixels)
    for size in sizes:
        image = image.resize(size, Image.Resampling.BICUBIC)
    return np.asarray(image).astype(int)


def differ(a, b):
    return f"{int((a != b).sum())} of {a.size} values differ, by at most {int(abs(a - b).max())}"


print(f"pillow {PIL.__version__}, numpy {np.__version__}")
at_once = steps(noise, (112, 112))
across_first = steps(noise, (112, 391), (112, 112))
down_first = steps(noise, (97, 112), (112, 112))
print("  97x391 -> 112x112, against horizontal, then vertical:", differ(at_once, across_first))
print("  97x391 -> 112x112, against vertical, then horizontal:", differ(at_once, down_first))
first = "horizontal" if (at_once == across_first).all() else "vertical" if (at_once == down_first).all() else "neither"
ordinary = steps(wide, (224, 224))
print("  640x480 -> 224x224, against horizontal, then vertical:", differ(ordinary, steps(wide, (224, 480), (224, 224))))
np.savez(sys.argv[1], at_once=at_once, ordinary=ordinary, first=first, version=PIL.__version__)
PY

for version in 12.3.0 13.0.0; do
    PYTHONPATH="$tmp/$version:$tmp/numpy" "$python" "$tmp/resize.py" "$tmp/$version.npz"
done

PYTHONPATH="$tmp/numpy" "$python" - "$tmp/12.3.0.npz" "$tmp/13.0.0.npz" <<'PY'
import sys

import numpy as np

old, new = (np.load(name) for name in sys.argv[1:])
assert (str(old["version"]), str(new["version"])) == ("12.3.0", "13.0.0")
difference = abs(old["at_once"] - new["at_once"])
print(f"12.3.0 against 13.0.0, 97x391 -> 112x112: {int((difference > 0).sum())} of {difference.size} values differ, "
      f"by at most {int(difference.max())}")
same = bool((old["ordinary"] == new["ordinary"]).all())
print(f"12.3.0 against 13.0.0, 640x480 -> 224x224: {'the same' if same else 'other'} pixels")
described = str(old["first"]) == "horizontal" and str(new["first"]) == "vertical" and difference.any() and same
print("as described" if described else "CHANGED")
sys.exit(0 if described else 1)
PY
