#!/usr/bin/env bash
# @huggingface/jinja renders a template with Windows line ends with a line break more for each block, and with "\r" in the text.
#
# Versions:  @huggingface/jinja 0.5.11 (npm), jinja2 3.1.6 (PyPI), both with trim_blocks and lstrip_blocks (transformers' setting).
# Expected:  A template is the same template with "\r\n" as with "\n". Jinja2 reads "\r\n" and "\r" as "\n", leaves out the line break
#            behind a block and the last one of the template.
# Seen:      @huggingface/jinja leaves out only "\n": behind a block or a comment "\r\n" stays, of the last line end the "\r" stays, and
#            the lines of the text end in "\r\n". With "\n" its result is that of Jinja2, for the same template.
# Matters:   A chat_template.jinja that was edited or checked out on Windows gives other prompts in a JavaScript program, without an error:
#            the model reads "\r" and empty lines before and behind each message, which are other tokens than those it was trained with.
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
    "context": {"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"}]},
    "templates": [
        "{% for message in messages %}\n<|im_start|>{{ message.role }}\n{{ message.content }}<|im_end|>\n{% endfor %}\n",
        "{% for message in messages %}\r\n<|im_start|>{{ message.role }}\r\n{{ message.content }}<|im_end|>\r\n{% endfor %}\r\n",
        "{# a note #}\ntext\n",
        "{# a note #}\r\ntext\r\n",
        "  {% if messages %}\n  text\n  {% endif %}\n",
        "  {% if messages %}\r\n  text\r\n  {% endif %}\r\n",
        "{%- if messages -%}\r\ntext\r\n{%- endif -%}\r\n"
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
    console.log(`  ${JSON.stringify(template)}: ${theirs} ${ours}${theirs === ours ? "" : "   <-"}`);
});
const different = templates.flatMap((_, at) => python.results[at] === results[at] ? [] : [at]);
const described = version === "0.5.11" && python.version === "3.1.6" && different.join() === "1,3,5" &&
    [0, 2, 4].every((at) => python.results[at] === python.results[at + 1]) && !python.results.join("").includes("\r") &&
    results[3] === "\r\ntext\r" && results[1].startsWith("\r\n<|im_start|>user\r\nHi<|im_end|>\r\n\r\n<|im_start|>");
console.log(described ? "as described" : "CHANGED");
process.exitCode = described ? 0 : 1;
JS
node "$tmp/node/render.mjs" "$tmp/cases.json" "$tmp/python.json" "$tmp/node/node_modules/@huggingface/jinja/package.json"
