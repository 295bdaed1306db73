#!/usr/bin/env bash
# transformers never uses the long RoPE factors of Phi-3.5-MoE.
#
# Versions:  transformers 5.24.0, torch 2.15.0 (PyPI).
# Expected:  With rope_type "longrope" and original_max_position_embeddings 64, an input of 256 positions is rotated with long_factor,
#            one of 64 positions with short_factor.
# Seen:      PhimoeRotaryEmbedding.forward calls its rope_init_fn without a length, so it always gets the frequencies of short_factor:
#            with 256 positions the cosines are exactly those of the short factors. Only the scale (long_mscale) changes with the
#            length, so it is paired with the wrong frequencies. Phi-3's class, with the same factors, does change to the long ones.
# Matters:   Beyond the original length the model calculates with other angles than it was trained for, and a correct implementation
#            does not match it there. References for this model are trustworthy up to the original length only.
#
# FINDINGS_PYTHON may name a Python that has these versions; else they are installed in a temporary folder (some GB).
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

packages=(torch==2.15.0 transformers==5.24.0)
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
import sys

import torch
import transformers
from transformers import Phi3Config, PhimoeConfig
from transformers.models.phi3.modeling_phi3 import Phi3RotaryEmbedding
from transformers.models.phimoe.modeling_phimoe import PhimoeRotaryEmbedding

transformers.logging.set_verbosity_error()
print(f"transformers {transformers.__version__}, torch {torch.__version__}")
HEAD, ORIGINAL, LONG, BASE = 16, 64, 256, 10000.0
SHORT_FACTOR, LONG_FACTOR = [1.0] * (HEAD // 2), [4.0] * (HEAD // 2)


def rope(**more):
    return {
        "rope_type": "longrope", "rope_theta": BASE, "original_max_position_embeddings": ORIGINAL,
        "short_factor": SHORT_FACTOR, "long_factor": LONG_FACTOR, **more,
    }


sizes = {
    "hidden_size": 4 * HEAD, "num_attention_heads": 4, "num_key_value_heads": 4, "max_position_embeddings": 512,
    "original_max_position_embeddings": ORIGINAL, "pad_token_id": 0,
}
phimoe = PhimoeRotaryEmbedding(PhimoeConfig(**sizes, rope_parameters=rope(short_mscale=1.0, long_mscale=1.0)))
phi3 = Phi3RotaryEmbedding(Phi3Config(**sizes, rope_parameters=rope(attention_factor=1.0)))

frequencies = 1.0 / BASE ** (torch.arange(0, HEAD, 2, dtype=torch.float) / HEAD)
found = {}
for name, module in (("PhimoeRotaryEmbedding", phimoe), ("Phi3RotaryEmbedding", phi3)):
    for length in (ORIGINAL, LONG):
        positions = torch.arange(length)[None]
        cosines = module(torch.zeros(1), positions)[0][0, :, : HEAD // 2]
        far = [
            (cosines - (positions[0, :, None] * frequencies / torch.tensor(factor)).cos()).abs().max().item()
            for factor in (SHORT_FACTOR, LONG_FACTOR)
        ]
        found[name, length] = far
        print(f"  {name}, {length} positions: largest distance to the cosines of short_factor {far[0]:.6f}, of long_factor {far[1]:.6f}")

described = found["PhimoeRotaryEmbedding", LONG][0] == 0 and found["PhimoeRotaryEmbedding", LONG][1] > 1
described = described and found["Phi3RotaryEmbedding", LONG][1] < 1e-4 and found["Phi3RotaryEmbedding", LONG][0] > 1
described = described and all(found[name, ORIGINAL][0] < 1e-4 for name in ("PhimoeRotaryEmbedding", "Phi3RotaryEmbedding"))
print("as described" if described else "CHANGED")
sys.exit(0 if described else 1)
PY
"$python" "$tmp/run.py"
