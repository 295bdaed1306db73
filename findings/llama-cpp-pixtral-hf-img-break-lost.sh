#!/usr/bin/env bash
# llama.cpp's converter loses [IMG_BREAK] of Pixtral and Mistral Small 3.1 checkpoints in transformers' layout.
#
# Versions:  llama.cpp v0.5.0 (sources in node-llama-cpp 3.22.1, npm), transformers 5.24.0, torch 2.15.0, torchvision 0.29.2, pillow 12.3.0
#            (PyPI).
# Expected:  convert_hf_to_gguf.py --mmproj copies the row of [IMG_BREAK] out of the token embeddings into the tensor
#            v.token_embd.img_break; llama.cpp's loader asks for it with every projector of the type "pixtral".
# Seen:      The class of the converter has the code for it, but never meets the embeddings: filter_tensors of its base class drops all
#            names with "language_model." first, and the embeddings are language_model.model.embed_tokens.weight. The conversion
#            reports the id of [IMG_BREAK] and success, and the tensor is missing in the file. So it is with
#            LlavaForConditionalGeneration (pixtral tower) and Mistral3ForConditionalGeneration. With a copy of the embeddings under a
#            name without that prefix, in a second safetensors file, the tensor is written: that is a way around it.
# Matters:   The loader has the tensor as a required one (the script shows the line; it does not load the file), and the conversion did
#            not say that anything was missing.
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
import json
import shutil
import sys

import torch
import transformers
from safetensors.torch import save_file
from transformers import (
    LlavaConfig, LlavaForConditionalGeneration, Mistral3Config, Mistral3ForConditionalGeneration, PixtralImageProcessor,
)

transformers.utils.logging.disable_progress_bar()
print(f"transformers {transformers.__version__}, torch {torch.__version__}")
torch.manual_seed(0)
out = sys.argv[1]
text = {
    "model_type": "mistral", "vocab_size": 128, "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
    "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16,
}
tower = {
    "model_type": "pixtral", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 3, "num_attention_heads": 2,
    "image_size": 224, "patch_size": 16, "hidden_act": "silu",
}
pixtral = LlavaConfig(
    text_config=text, vision_config=tower, image_token_index=99, vision_feature_layer=-1, vision_feature_select_strategy="full"
)
mistral3 = Mistral3Config(text_config=text, vision_config={**tower, "patch_size": 14}, image_token_index=99, spatial_merge_size=2)
for name, model in (
    ("pixtral", LlavaForConditionalGeneration(pixtral)), ("mistral3", Mistral3ForConditionalGeneration(mistral3)),
):
    folder = f"{out}/{name}"
    model.save_pretrained(folder)
    side = model.config.vision_config.patch_size
    PixtralImageProcessor(size={"longest_edge": 224}, patch_size={"height": side, "width": side}).save_pretrained(folder)
    with open(f"{folder}/tokenizer_config.json", "w") as file:
        json.dump({"added_tokens_decoder": {"12": {"content": "[IMG_BREAK]"}}}, file)
    shutil.copytree(folder, f"{folder}-copied")
    embeddings = model.get_input_embeddings().weight.detach().clone()
    save_file({"embed_tokens.weight": embeddings}, f"{folder}-copied/model-embeddings.safetensors")
PY
"$python" "$tmp/save.py" "$tmp"

echo "the loader: $(grep 'get_tensor(TN_TOK_IMG_BREAK' "$llama_cpp/tools/mtmd/clip.cpp" | xargs)"
described=1
grep -q 'get_tensor(TN_TOK_IMG_BREAK);' "$llama_cpp/tools/mtmd/clip.cpp" || described=0
for name in pixtral mistral3 pixtral-copied mistral3-copied; do
    if ! "$python" "$llama_cpp/convert_hf_to_gguf.py" "$tmp/$name" --mmproj --outtype f32 --outfile "$tmp/$name.gguf" >"$tmp/log" 2>&1; then
        echo "$name: not converted: $(tail -n 1 "$tmp/log")"
        described=0
        continue
    fi
    grep -q "Image break token id: 12" "$tmp/log" || described=0
    found=$(PYTHONPATH="$llama_cpp/gguf-py" "$python" -c '
import sys
from gguf import GGUFReader
reader = GGUFReader(sys.argv[2])
has = "v.token_embd.img_break" in {tensor.name for tensor in reader.tensors}
projector = reader.fields["clip.projector_type"].contents()
print(f"{sys.argv[1]}: converted, projector type {projector}, {len(reader.tensors)} tensors, v.token_embd.img_break "
      + ("is there" if has else "is MISSING"), file=sys.stderr)
print("yes" if has else "no")' "$name" "$tmp/$name.gguf")
    case $name in
        *-copied) [ "$found" = yes ] || described=0 ;;
        *) [ "$found" = no ] || described=0 ;;
    esac
done
[ $described = 1 ] && echo "as described" || { echo "CHANGED"; exit 1; }
