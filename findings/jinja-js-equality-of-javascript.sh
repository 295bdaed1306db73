#!/usr/bin/env bash
# @huggingface/jinja compares with "==" by JavaScript's rules; Jinja2 by Python's. Two empty lists are not equal, "1" is equal to 1.
#
# Versions:  @huggingface/jinja 0.5.11 (npm), jinja2 3.1.6 (PyPI).
# Expected:  Lists and dictionaries are equal when their contents are; values of different types, texts and numbers say, are not equal,
#            and neither are none and a value that is not there.
# Seen:      In @huggingface/jinja a list or dictionary is equal only to the very same object: tools == [] is false for an empty list, as
#            is ["a"] == ["a"]. But ["a"] == "a", "1" == 1, "" == false and [] == "" are true, and so is x == none without an x.
#            "!=" is the opposite in each case.
# Matters:   A chat template takes the other branch without an error: one that asks "tools != []" writes a list of tools without a
#            tool, one that asks "content != none" leaves out what Jinja2 writes for a missing field, one that compares an argument "1"
#            with 1 takes it for the number. The prompt is another one than from transformers.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
python=${PYTHON:-python3}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

"$python" -m pip install --quiet --no-compile --target "$tmp/python" jinja2==3.1.6
npm install --prefix "$tmp/node" --silent --no-audit --no-fund --ignore-scripts @huggingface/jinja@0.5.11

cat > "$tmp/cases.json" <<'JSON'
{
    "context": {"tools": [], "one": "1", "empty": "", "message": {"role": "user", "content": [{"type": "text"}]}},
    "templates": [
        "{% if tools != [] %}# Tools{% else %}no tools{% endif %}",
        "{{ 'same' if ['a'] == ['a'] else 'other' }}",
        "{{ 'same' if message.content == [{'type': 'text'}] else 'other' }}",
        "{{ 'same' if 'a,b'.split(',') == ['a', 'b'] else 'other' }}",
        "{{ 'same' if ['a'] == 'a' else 'other' }}",
        "{{ 'same' if tools == empty else 'other' }}",
        "{{ 'same' if one == 1 else 'other' }}",
        "{{ 'same' if empty == false else 'other' }}",
        "{{ 'same' if empty == 0 else 'other' }}",
        "{% if message.name != none %}has a name{% else %}no name{% endif %}",
        "{{ 'same' if message == message else 'other' }}",
        "{{ 'same' if message.role == 'user' else 'other' }}",
        "{{ 'same' if 1 == 1.0 else 'other' }}",
        "{% if tools %}# Tools{% else %}no tools{% endif %}"
    ]
}
JSON

cat > "$tmp/render.py" <<'PY'
import importlib.metadata
import json
import sys

from jinja2.sandbox import ImmutableSandboxedEnvironment

cases = json.load(open(sys.argv[1]))
# trim_blocks and lstrip_blocks as in transformers; @huggingface/jinja has both on as well
environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
json.dump({
    "version": importlib.metadata.version("jinja2"),
    "results": [environment.from_string(template).render(**cases["context"]) for template in cases["templates"]],
}, open(sys.argv[2], "w"))
PY
PYTHONPATH="$tmp/python" "$python" "$tmp/render.py" "$tmp/cases.json" "$tmp/python.json"

cat > "$tmp/node/render.mjs" <<'JS'
import {readFileSync} from "node:fs";
import {Template} from "@huggingface/jinja";

const [{templates, context}, python, {version}] = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, "utf8")));
const results = templates.map((template) => new Template(template).render(context));
console.log(`jinja2 ${python.version}, @huggingface/jinja ${version}`);
templates.forEach((template, at) => {
    const [theirs, ours] = [python.results[at], results[at]].map((text) => JSON.stringify(text));
    console.log(`  ${template}: ${theirs} ${ours}${theirs === ours ? "" : "   <-"}`);
});
const different = templates.flatMap((_, at) => python.results[at] === results[at] ? [] : [at]);
const described = version === "0.5.11" && python.version === "3.1.6" && different.join() === "0,1,2,3,4,5,6,7,8,9" &&
    results.join() === "# Tools,other,other,other,same,same,same,same,same,no name,same,same,same,no tools";
console.log(described ? "as described" : "CHANGED");
process.exitCode = described ? 0 : 1;
JS
node "$tmp/node/render.mjs" "$tmp/cases.json" "$tmp/python.json" "$tmp/node/node_modules/@huggingface/jinja/package.json"
