#!/usr/bin/env bash
# Muse Glimmer's image processor makes a square picture smaller or larger by the hash order of a Python set.
#
# Versions:  transformers 5.24.0, torch 2.15.0, torchvision 0.29.2, pillow 12.3.0 (PyPI), CPython.
# Expected:  A square picture whose side is no multiple of 28 pixels (patch times merge) gets the next smaller or the next larger square
#            grid by a rule: the nearer one, always the larger one, or always the smaller one.
# Seen:      The candidates are put into a set, and min() takes the first of those with the best aspect ratio. Both square grids have a
#            perfect one, so the order of the set decides, that is the hashes of the tuples: 500x500 (17.9 units) becomes 476x476
#            (17), the farther and smaller one; 520x520 (18.6) becomes 532x532 (19), 540x540 (19.3) too, but 600x600 (21.4) becomes 588x588
#            (21). Of two grids sometimes the smaller, sometimes the larger is taken, wherever the side lies between them.
#            With integers the hashes do not depend on PYTHONHASHSEED, so that it is stable in one version of CPython; nothing
#            promises the same order elsewhere.
# Matters:   The number of image tokens and the pixels follow from it. Another implementation can match square pictures only if it
#            copies CPython's hashing.
#
# FINDINGS_PYTHON may name a Python that has these versions; else they are installed in a temporary folder (some GB).
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

packages=(torch==2.15.0 torchvision==0.29.2 transformers==5.24.0 pillow==12.3.0)
python=${FINDINGS_PYTHON:-}
if [ -z "$python" ]; then
    "${PYTHON:-python3}" -m venv "$tmp/venv"
    python=$tmp/venv/bin/python
    "$python" -m pip install --quiet --no-compile "${packages[@]}"
fi
"$python" - "${packages[@]}" <<'PY'
import sys
from importlib.metadata import version

for name, wanted in (package.split("==") for package in sys.argv[1:]):
    if version(name) != wanted:
        sys.exit(f"{name} is {version(name)}, not {wanted}")
PY
cat > "$tmp/run.py" <<'PY'
import platform
import sys

import torch
import transformers
from PIL import Image
from transformers import MuseGlimmerImageProcessor

transformers.logging.set_verbosity_error()
print(f"transformers {transformers.__version__}, torch {torch.__version__}, {platform.python_implementation()} {platform.python_version()}")
processor = MuseGlimmerImageProcessor(max_image_tokens=4096)
patch, unit = processor.patch_size, processor.patch_size * processor.merge_size
print(f"  patch {patch}, a token has {unit} x {unit} pixels")
chosen = {}
for side in range(unit + 1, 40 * unit):
    if side % unit and (side % 20 == 0 or side % unit in (1, unit - 1)):
        grid = processor(images=[Image.new("RGB", (side, side))], return_tensors="pt")["image_grid_thw"][0].tolist()
        assert grid[1] == grid[2]
        chosen[side] = grid[1] * patch
for side in (500, 520, 540, 600):
    print(f"  {side}x{side} ({side / unit:.1f} units): {chosen[side]}x{chosen[side]} ({chosen[side] // unit}); "
          f"as good: {side // unit * unit} and {(side // unit + 1) * unit}")
smaller = sum(new < side for side, new in chosen.items())
nearer = sum(abs(new - side) <= unit / 2 for side, new in chosen.items())
print(f"  of {len(chosen)} sides the smaller grid for {smaller}, the larger for {len(chosen) - smaller}; the nearer one for {nearer}")
described = unit == 28 and [chosen[side] for side in (500, 520, 540, 600)] == [476, 532, 532, 588]
described = described and 0 < smaller < len(chosen) and nearer < len(chosen)
print("as described" if described else "CHANGED")
sys.exit(0 if described else 1)
PY
for seed in 0 1; do
    echo "PYTHONHASHSEED=$seed"
    PYTHONHASHSEED=$seed "$python" "$tmp/run.py"
done
