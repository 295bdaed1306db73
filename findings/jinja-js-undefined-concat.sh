#!/usr/bin/env bash
# @huggingface/jinja refuses to join an undefined variable to a text with "~"; Jinja2 takes it as an empty text.
#
# Versions:  @huggingface/jinja 0.5.11 (npm), jinja2 3.1.6 (PyPI).
# Expected:  {{ 'a' ~ x }} without a variable x renders "a" in both: "~" turns both sides into text, and the text of an undefined value
#            is empty, as it is in {{ x }} alone.
# Seen:      Jinja2 renders "a". @huggingface/jinja renders {{ x }} as an empty text, too, but throws on "~", on either side.
#            For comparison: {{ 'a' + x }} is an error in both.
# Matters:   Chat templates are written for Jinja2. One that joins an optional field with "~" works under transformers, and stops the
#            request with an error in a JavaScript program.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

export PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1
python=${PYTHON:-python3}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

"$python" -m pip install --quiet --no-compile --target "$tmp/python" jinja2==3.1.6
npm install --prefix "$tmp/node" --silent --no-audit --no-fund --ignore-scripts @huggingface/jinja@0.5.11

cat > "$tmp/templates.json" <<'JSON'
["{{ x }}", "{{ 'a' ~ x }}", "{{ x ~ 'a' }}", "{{ 'a' + x }}"]
JSON

cat > "$tmp/render.py" <<'PY'
import importlib.metadata
import json
import sys

import jinja2

results = []
for template in json.load(open(sys.argv[1])):
    try:
        results.append(jinja2.Template(template).render())
    except jinja2.TemplateError as error:
        print(f"  {template}: {error}", file=sys.stderr)
        results.append(None)
json.dump({"version": importlib.metadata.version("jinja2"), "results": results}, open(sys.argv[2], "w"))
PY

cat > "$tmp/node/render.mjs" <<'JS'
import {readFileSync, writeFileSync} from "node:fs";
import {Template} from "@huggingface/jinja";

const [templates, out, manifest] = process.argv.slice(2);
const results = JSON.parse(readFileSync(templates, "utf8")).map((template) => {
    try {
        return new Template(template).render({});
    } catch (error) {
        console.error(`  ${template}: ${error.message}`);
        return null;
    }
});
writeFileSync(out, JSON.stringify({version: JSON.parse(readFileSync(manifest, "utf8")).version, results}));
JS

echo "errors of jinja2:"
PYTHONPATH="$tmp/python" "$python" "$tmp/render.py" "$tmp/templates.json" "$tmp/python.json" 2>&1
echo "errors of @huggingface/jinja:"
node "$tmp/node/render.mjs" "$tmp/templates.json" "$tmp/node.json" "$tmp/node/node_modules/@huggingface/jinja/package.json" 2>&1

"$python" - "$tmp" <<'PY'
import json
import sys

templates, python, node = (json.load(open(f"{sys.argv[1]}/{name}.json")) for name in ("templates", "python", "node"))
print(f"jinja2 {python['version']}, @huggingface/jinja {node['version']}; null is an error")
for template, a, b in zip(templates, python["results"], node["results"]):
    print(f"  {template:16} {json.dumps(a):6} {json.dumps(b)}")
described = python["results"] == ["", "a", "a", None] and node["results"] == ["", None, None, None]
described = described and (python["version"], node["version"]) == ("3.1.6", "0.5.11")
print("as described" if described else "CHANGED")
sys.exit(0 if described else 1)
PY
