#!/usr/bin/env bash
# transformers and LLaVA's own code read the same grid list of LLaVA 1.6 with height and width exchanged.
#
# Versions:  transformers 5.24.0, torch 2.15.0, torchvision 0.29.2, pillow 12.3.0, llava-torch 1.2.2.post1 (PyPI; only its mm_utils.py is
#            imported).
# Expected:  With one image_grid_pinpoints list both choose the same canvas for a picture and cut the same tiles.
# Seen:      LLaVA's code takes a pair as (width, height), transformers (and its documentation) as (height, width). The default list,
#            [[336, 672], [672, 336], [672, 672], [1008, 336], [336, 1008]], has every pair in both orders, so that most pictures
#            get the same canvas. Of equally good ones the first in the list wins, and for a picture of at most 336x336 the first two are
#            equally good: LLaVA puts it on a tall canvas (336 wide, 672 high), transformers on a wide one. The tiles are others.
#            The script shows the canvases for the default list, and the tiles with a list for tiles of 112 pixels.
# Matters:   For small pictures the two implementations give a model different input, though the configuration is the same; one that
#            follows LLaVA's code matches transformers only with the pairs turned round.
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
"$python" -m pip install --quiet --no-compile --no-deps --target "$tmp/llava" llava-torch==1.2.2.post1

cat > "$tmp/run.py" <<'PY'
import sys
import types
from importlib.metadata import version

import torch
import transformers
from PIL import Image
from transformers import CLIPImageProcessor, LlavaNextConfig
from transformers.image_processing_utils import select_best_resolution
from transformers.models.llava_next.image_processing_pil_llava_next import LlavaNextImageProcessorPil

transformers.logging.set_verbosity_error()
# The package without its __init__.py, which imports models written for an older transformers.
package = types.ModuleType("llava")
package.__path__ = [f"{sys.argv[1]}/llava"]
sys.modules["llava"] = package
sys.path.append(sys.argv[1])
from llava import mm_utils  # noqa: E402

print(f"transformers {transformers.__version__}, torch {torch.__version__}, llava-torch {version('llava-torch')}")
grids = LlavaNextConfig().image_grid_pinpoints
print(f"the default list: {grids}")
described, differing = True, set()
for width, height in ((336, 336), (200, 300), (300, 200), (640, 480), (480, 640), (1000, 300), (300, 1000), (800, 800)):
    makers_canvas = mm_utils.select_best_resolution((width, height), grids)
    high, wide = select_best_resolution((height, width), grids)
    if tuple(makers_canvas) != (wide, high):
        differing.add((width, height))
    print(f"  picture {width} x {height} (width x height): canvas of LLaVA {makers_canvas[0]} x {makers_canvas[1]}, "
          f"of transformers {wide} x {high}" + ("  <-- turned" if (width, height) in differing else ""))
described = differing == {(336, 336), (200, 300), (300, 200)}

SIDE = 112
small = [[SIDE, 2 * SIDE], [2 * SIDE, SIDE]]
plain = {"size": {"shortest_edge": SIDE}, "crop_size": {"height": SIDE, "width": SIDE}, "do_normalize": False}
white = Image.new("RGB", (SIDE, SIDE), (255, 255, 255))
theirs = LlavaNextImageProcessorPil(**plain, image_grid_pinpoints=small)(images=[white], return_tensors="pt")["pixel_values"][0]
makers = mm_utils.process_anyres_image(white, CLIPImageProcessor(**plain), small)


def place(tile):
    rows, columns = (tile[0] > 0.5).nonzero(as_tuple=True)
    return [int(rows.min()), int(rows.max()), int(columns.min()), int(columns.max())]


print(f"a white picture of {SIDE} x {SIDE}, list {small}: where it lies in the first tile behind the small whole picture")
for name, tiles in (("LLaVA", makers), ("transformers", theirs)):
    print(f"  {name}: {len(tiles) - 1} tiles, rows {place(tiles[1])[0]} to {place(tiles[1])[1]}, "
          f"columns {place(tiles[1])[2]} to {place(tiles[1])[3]}")
described = described and len(makers) == len(theirs) == 3
described = described and place(makers[1]) == [SIDE // 2, SIDE - 1, 0, SIDE - 1] and place(theirs[1]) == [0, SIDE - 1, SIDE // 2, SIDE - 1]
print("as described" if described else "CHANGED")
sys.exit(0 if described else 1)
PY
"$python" "$tmp/run.py" "$tmp/llava"
