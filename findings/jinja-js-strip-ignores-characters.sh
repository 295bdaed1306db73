#!/usr/bin/env bash
# @huggingface/jinja ignores the argument of strip, lstrip and rstrip: it always strips white space.
#
# Versions:  @huggingface/jinja 0.5.11 (npm), jinja2 3.1.6 (PyPI); templates of Qwen3-0.6B and MiniMax-M2 as stored in the llama.cpp sources
#            that node-llama-cpp 3.22.1 (npm) carries.
# Expected:  As in Python, text.strip('\n') strips line breaks and leaves spaces, 'x.'.rstrip('.') is "x", and 'xyaxy'.strip('xy') is "a".
# Seen:      @huggingface/jinja takes the argument without an error and does not use it. Spaces behind or before the line breaks are lost,
#            and other characters stay: "x." and "xyaxy" come back as they were.
#            Rendered with the templates of Qwen3 and MiniMax-M2, which call .lstrip('\n') and .strip('\n'), an earlier answer that begins
#            with an indented line of code loses its indentation; from jinja2 it comes whole.
# Matters:   Nothing is reported, and the model reads a text that it did not write: the first line of a block of code with another
#            indentation than the next ones. The prompt differs from the one of transformers, and a stored prefix no longer fits.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
python=${PYTHON:-python3}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

"$python" -m pip install --quiet --no-compile --target "$tmp/python" jinja2==3.1.6
npm install --prefix "$tmp/node" --silent --no-audit --no-fund --ignore-scripts @huggingface/jinja@0.5.11
npm pack --silent --pack-destination "$tmp" node-llama-cpp@3.22.1 > "$tmp/packed.txt"
tar -xzf "$tmp/node-llama-cpp-3.22.1.tgz" -C "$tmp" package/llama/gitRelease.bundle
git clone --quiet -c advice.detachedHead=false "$tmp/package/llama/gitRelease.bundle" "$tmp/llama.cpp"

cat > "$tmp/render.py" <<'PY'
import json
import sys

from jinja2.sandbox import ImmutableSandboxedEnvironment

folder, cases = sys.argv[1], []
for template in (
    "{{ '\\n  a'.lstrip('\\n') }}", "{{ 'a  \\n'.rstrip('\\n') }}", "{{ '\\n a \\n'.strip('\\n') }}",
    "{{ 'x.'.rstrip('.') }}", "{{ 'xyaxy'.strip('xy') }}", "{{ '[x]'.strip('[]') }}", "{{ ' a '.strip() }}",
):
    cases.append({"name": template, "template": template, "context": {}})
context = {
    "messages": [
        {"role": "user", "content": "The body, please."},
        {"role": "assistant", "content": "<think>\nshort\n</think>\n\n    if x:\n        return 1"},
        {"role": "user", "content": "Thanks."},
    ],
    "add_generation_prompt": True,
}
for name in ("Qwen-Qwen3-0.6B", "MiniMax-M2"):
    template = open(f"{folder}/llama.cpp/models/templates/{name}.jinja", encoding="utf-8").read()
    cases.append({"name": name, "template": template, "context": context})
environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
for case in cases:
    case["jinja2"] = environment.from_string(case["template"]).render(**case["context"])
json.dump(cases, open(f"{folder}/cases.json", "w"))
PY
PYTHONPATH="$tmp/python" "$python" "$tmp/render.py" "$tmp"

cat > "$tmp/node/render.mjs" <<'JS'
import {readFileSync} from "node:fs";
import {Template} from "@huggingface/jinja";

const [casesJson, manifest] = process.argv.slice(2);
const {version} = JSON.parse(readFileSync(manifest, "utf8"));
const cases = JSON.parse(readFileSync(casesJson, "utf8"));
console.log(`@huggingface/jinja ${version}; jinja2's result first`);
const wrong = [];
for (const [at, {name, template, context, jinja2}] of cases.entries()) {
    const result = new Template(template).render(context);
    console.log(`  ${name}${result === jinja2 ? "" : "   <-"}\n    ${JSON.stringify(jinja2)}\n    ${JSON.stringify(result)}`);
    if (result !== jinja2) wrong.push(at);
    const onlyIndentation = jinja2.includes("\n    if x:\n") && result === jinja2.replace("    if x:", "if x:");
    if (Object.keys(context).length > 0 && !onlyIndentation) wrong.push("other");
}
const described = version === "0.5.11" && wrong.join() === "0,1,2,3,4,5,7,8";
console.log(described ? "as described" : "CHANGED");
process.exitCode = described ? 0 : 1;
JS
node "$tmp/node/render.mjs" "$tmp/cases.json" "$tmp/node/node_modules/@huggingface/jinja/package.json"
