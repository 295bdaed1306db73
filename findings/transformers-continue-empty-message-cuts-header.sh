#!/usr/bin/env bash
# transformers cuts the line break of the header when a chat goes on with an empty last message and the template trims its texts.
#
# Versions:  transformers 5.24.0, tokenizers 0.23.3, jinja2 3.1.6 (PyPI), without torch.
# Expected:  apply_chat_template with continue_final_message=True gives the prompt up to the place where the last message goes on. With a
#            last message without text that is the place behind its header, "<|im_start|>assistant\n" in ChatML: the same prompt as
#            add_generation_prompt=True gives without this message.
# Seen:      With a template that writes message.content as it is, so it is. With one that trims (message.content | trim), the prompt ends
#            at "<|im_start|>assistant"; with the header of Llama 3, "<|start_header_id|>assistant<|end_header_id|>\n\n", both line
#            breaks are lost. So they are with a message of white space only. The function finds that the space of its own mark was
#            trimmed, takes this for the message's, and strips all white space at the end, which here is the template's.
# Matters:   Empty beginnings are common: "continue" pressed before the first word, or a prefix that an evaluation leaves empty. The model
#            then has to write the end of the header itself, from a prompt it was not trained with. Nothing is reported.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
python=${PYTHON:-python3}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

"$python" -m pip install --quiet --no-compile --target "$tmp/python" --no-warn-conflicts transformers==5.24.0 tokenizers==0.23.3 jinja2==3.1.6

cat > "$tmp/continue.py" <<'PY'
import json
import os
import sys
from importlib.metadata import version

os.environ["TRANSFORMERS_VERBOSITY"] = "error"
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast

CHATML = (
    "{% for message in messages %}{{ '<|im_start|>' + message.role + '\n' + message.content@ + '<|im_end|>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"
)
LLAMA3 = (
    "{% for message in messages %}{{ '<|start_header_id|>' + message.role + '<|end_header_id|>\n\n' + message.content@ + '<|eot_id|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}"
)
templates = {
    "ChatML": CHATML.replace("@", ""),
    "ChatML, trimmed": CHATML.replace("@", " | trim"),
    "Llama 3, trimmed": LLAMA3.replace("@", " | trim"),
}
tokenizer = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"[UNK]": 0}, unk_token="[UNK]")), unk_token="[UNK]")
question = {"role": "user", "content": "Hi"}
contents = {"empty": "", "white space": " \n", "text": "Hello"}

print(f"transformers {version('transformers')}, tokenizers {version('tokenizers')}, jinja2 {version('jinja2')}")
found = {}
for name, template in templates.items():
    start = tokenizer.apply_chat_template([question], chat_template=template, tokenize=False, add_generation_prompt=True)
    print(f"{name}\n  add_generation_prompt:            {json.dumps(start)}")
    for kind, content in contents.items():
        prompt = tokenizer.apply_chat_template(
            [question, {"role": "assistant", "content": content}], chat_template=template, tokenize=False, continue_final_message=True
        )
        lost = start[len(prompt):] if start.startswith(prompt) else ""
        found[name, kind] = (prompt == start + (content if name == "ChatML" else content.strip()), lost)
        print(f"  continue_final_message, {kind + ':':13}{json.dumps(prompt)}{'   <- without ' + json.dumps(lost) if lost else ''}")

described = found == {
    ("ChatML", "empty"): (True, ""), ("ChatML", "white space"): (True, ""), ("ChatML", "text"): (True, ""),
    ("ChatML, trimmed", "empty"): (False, "\n"), ("ChatML, trimmed", "white space"): (False, "\n"), ("ChatML, trimmed", "text"): (True, ""),
    ("Llama 3, trimmed", "empty"): (False, "\n\n"), ("Llama 3, trimmed", "white space"): (False, "\n\n"),
    ("Llama 3, trimmed", "text"): (True, ""),
}
described = described and (version("transformers"), version("tokenizers"), version("jinja2")) == ("5.24.0", "0.23.3", "3.1.6")
print("as described" if described else "CHANGED")
sys.exit(0 if described else 1)
PY
PYTHONPATH="$tmp/python" "$python" "$tmp/continue.py"
