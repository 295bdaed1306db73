#!/usr/bin/env bash
# Llama4ForConditionalGeneration.forward always ends in an AttributeError.
#
# Versions:  transformers 5.24.0, torch 2.15.0 (PyPI).
# Expected:  forward returns logits for a prompt, with or without pixel_values; generate continues it.
# Seen:      After all has been calculated, AttributeError: 'MoeCausalLMOutputWithPast' object has no attribute 'image_outputs'. forward
#            copies image_outputs from the result of the text model, which has no such field (the features of the picture are in
#            a variable of forward itself). It is so with a picture, with text alone, with return_dict=False and in generate.
# Matters:   Llama 4 with its vision part cannot be run, nor be a reference, through the public class. What works is to put the parts
#            together: get_image_features, multi_modal_projector, then language_model(inputs_embeds=...), as the script also shows.
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
from transformers import Llama4Config, Llama4ForConditionalGeneration

transformers.logging.set_verbosity_error()
print(f"transformers {transformers.__version__}, torch {torch.__version__}")
torch.manual_seed(0)
IMAGE = 100
config = Llama4Config(
    text_config={
        "vocab_size": 128, "hidden_size": 64, "intermediate_size": 96, "intermediate_size_mlp": 128, "num_hidden_layers": 2,
        "num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 16, "num_local_experts": 4, "interleave_moe_layer_step": 2,
        "bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0,
    },
    vision_config={
        "hidden_size": 64, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 112,
        "patch_size": 14, "vision_output_dim": 64, "projector_input_dim": 64, "projector_output_dim": 64,
    },
    image_token_index=IMAGE, boi_token_index=101, eoi_token_index=102,
)
model = Llama4ForConditionalGeneration(config).eval()
prompt = torch.tensor([[1, 101, *[IMAGE] * 16, 102, 5, 6, 7]])  # 8 x 8 patches, of which pixel shuffle makes 4 x 4
text = torch.tensor([[1, 5, 6, 7]])
pixels = torch.rand(1, 3, 112, 112)
calls = {
    "a picture": lambda: model(input_ids=prompt, pixel_values=pixels),
    "a picture, return_dict=False": lambda: model(input_ids=prompt, pixel_values=pixels, return_dict=False),
    "text alone": lambda: model(input_ids=text),
    "generate": lambda: model.generate(input_ids=prompt, pixel_values=pixels, max_new_tokens=2, do_sample=False),
}
described = True
with torch.inference_mode():
    for name, call in calls.items():
        try:
            call()
            error = None
        except Exception as raised:
            error = raised
        print(f"  {name}: {type(error).__name__ + ': ' + str(error) if error else 'no error'}")
        described = described and isinstance(error, AttributeError) and "image_outputs" in str(error)

    embeddings = model.get_input_embeddings()(prompt)
    features = model.multi_modal_projector(model.get_image_features(pixel_values=pixels, return_dict=True).last_hidden_state)
    embeddings[prompt == IMAGE] = features.flatten(0, 1)
    logits = model.language_model(inputs_embeds=embeddings).logits
    print(f"  put together from its parts: logits of shape {tuple(logits.shape)}")
    described = described and tuple(logits.shape) == (1, prompt.shape[1], 128)
print("as described" if described else "CHANGED")
sys.exit(0 if described else 1)
PY
"$python" "$tmp/run.py"
