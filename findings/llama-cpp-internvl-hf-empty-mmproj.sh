#!/usr/bin/env bash
# llama.cpp's converter writes a projector file without a single tensor from an InternVL checkpoint in transformers' layout.
#
# Versions:  llama.cpp v0.5.0 (sources in node-llama-cpp 3.22.1, npm), transformers 5.24.0, torch 2.15.0, torchvision 0.29.2, pillow 12.3.0
#            (PyPI).
# Expected:  convert_hf_to_gguf.py --mmproj converts InternVLForConditionalGeneration as save_pretrained writes it, or refuses it.
# Seen:      It depends on a field that transformers keeps but does not use, "architectures" in vision_config. Without it the converter
#            refuses the model ("is not supported"). With ["InternVisionModel"] there, the name in OpenGVLab's own configs, it takes the
#            model, passes over every tensor (it looks for names that begin with "model.vision_tower"; save_pretrained writes
#            "vision_tower"), and reports success with exit status 0: the file has the metadata and no tensors.
# Matters:   Such a file is of no use, and nothing says so at the conversion. Check the number of tensors afterwards.
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
mkdir "$tmp/node"
npm pack --silent --pack-destination "$tmp/node" node-llama-cpp@3.22.1 >"$tmp/node/name"
tar -xzf "$tmp/node/$(cat "$tmp/node/name")" -C "$tmp/node"
llama_cpp=$tmp/llama.cpp
git clone --quiet -c advice.detachedHead=false "$tmp/node/package/llama/gitRelease.bundle" "$llama_cpp"
echo "llama.cpp $(tr -d '{}\n ' < "$tmp/node/package/llama/binariesGithubRelease.json")"

cat > "$tmp/save.py" <<'PY'
import sys

import torch
import transformers
from safetensors import safe_open
from transformers import InternVLConfig, InternVLForConditionalGeneration
from transformers.models.got_ocr2.image_processing_pil_got_ocr2 import GotOcr2ImageProcessorPil

transformers.utils.logging.disable_progress_bar()
print(f"transformers {transformers.__version__}, torch {torch.__version__}")
torch.manual_seed(0)
for name, more in (("plain", {}), ("named", {"architectures": ["InternVisionModel"]})):
    folder = f"{sys.argv[1]}/{name}"
    config = InternVLConfig(
        text_config={
            "model_type": "qwen2", "vocab_size": 128, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
            "num_attention_heads": 4, "num_key_value_heads": 2, "bos_token_id": 1, "eos_token_id": 2,
        },
        vision_config={
            "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 3, "num_attention_heads": 2, "hidden_act": "gelu",
            "image_size": [112, 112], "patch_size": [14, 14], **more,
        },
        image_token_id=99, image_seq_length=16, downsample_ratio=0.5,
    )
    InternVLForConditionalGeneration(config).save_pretrained(folder)
    GotOcr2ImageProcessorPil(size={"height": 112, "width": 112}).save_pretrained(folder)
with safe_open(f"{folder}/model.safetensors", "pt") as weights:
    vision = [name for name in weights.keys() if not name.startswith("language_model")]
print(f"the checkpoint has {len(vision)} tensors beside the language model's, as {vision[0]} and {vision[-1]}")
PY
"$python" "$tmp/save.py" "$tmp"

convert() { "$python" "$llama_cpp/convert_hf_to_gguf.py" "$tmp/$1" --mmproj --outtype f32 --outfile "$tmp/$1.gguf" >"$tmp/$1.log" 2>&1; }

described=1
if convert plain; then
    echo "without architectures in vision_config: converted"
    described=0
else
    echo "without architectures in vision_config: refused: $(tail -n 1 "$tmp/plain.log")"
    grep -q "InternVLForConditionalGeneration is not supported" "$tmp/plain.log" || described=0
fi
if convert named; then
    echo "with InternVisionModel there: converted, exit status 0"
    count=$(PYTHONPATH="$llama_cpp/gguf-py" "$python" -c '
import sys
from gguf import GGUFReader
reader = GGUFReader(sys.argv[1])
projector = reader.fields["clip.projector_type"].contents()
print(f"the file: projector type {projector}, {len(reader.tensors)} tensors", file=sys.stderr)
print(len(reader.tensors))' "$tmp/named.gguf")
    [ "$count" = 0 ] || described=0
else
    echo "with InternVisionModel there: refused: $(tail -n 1 "$tmp/named.log")"
    described=0
fi
[ $described = 1 ] && echo "as described" || { echo "CHANGED"; exit 1; }
