#!/usr/bin/env bash
# With CI=true, typed linting by typescript-eslint looks at the file on the disk instead of the text that it is given.
#
# Versions:  typescript-eslint 8.73.0, eslint 10.15.0, typescript 5.9.3 (npm).
# Expected:  ESLint.lintText(text, {filePath}) and --stdin lint the text; the environment changes nothing about it.
# Seen:      Where the parser options name a `project` and CI is "true", the first text of each file is taken from the disk: a text with a
#            fault over a clean file has no messages, and a clean text over a file with the fault has its message. The second call
#            with the same path lints the text. Without CI=true, and with `disallowAutomaticSingleRunInference`, every call does.
# Matters:   A test of lint rules, or a check of text that is not saved yet (a generated file, a staged version piped to --stdin), passes
#            or fails by what lies on the disk, in CI alone.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

npm install --prefix "$tmp" --silent --no-audit --no-fund --ignore-scripts \
    typescript-eslint@8.73.0 eslint@10.15.0 typescript@5.9.3 || exit 2

printf '{"compilerOptions": {"strict": true}, "include": ["*.ts"]}' > "$tmp/tsconfig.json"
echo 'export const value = 1;' > "$tmp/clean.ts"
echo 'debugger;' > "$tmp/faulty.ts"

cat > "$tmp/run.mjs" <<'JS'
import {ESLint} from "eslint";
import tseslint from "typescript-eslint";

const [root, more] = [import.meta.dirname, JSON.parse(process.argv[2])];
const eslint = new ESLint({
    cwd: root,
    overrideConfigFile: true,
    overrideConfig: [{
        files: ["*.ts"],
        languageOptions: {parser: tseslint.parser, parserOptions: {project: ["tsconfig.json"], tsconfigRootDir: root, ...more}},
        rules: {"no-debugger": "error"},
    }],
});
const lint = async (file, text) => (await eslint.lintText(text, {filePath: `${root}/${file}`}))[0].messages.length;
const counts = [];
// A fault over the clean file, twice; then clean text over the file with the fault, twice.
for (const [file, text] of [["clean.ts", "debugger;\n"], ["faulty.ts", "export const value = 1;\n"]]) {
    for (let i = 0; i < 2; i++) counts.push(await lint(file, text));
}
console.log(counts.join(" "));
JS

version() { node -p "require('$tmp/node_modules/$1/package.json').version"; }
echo "typescript-eslint $(version typescript-eslint), eslint $(version eslint), typescript $(version typescript)"
given=$(CI='' node "$tmp/run.mjs" '{}')
in_ci=$(CI=true node "$tmp/run.mjs" '{}')
asked=$(CI=true node "$tmp/run.mjs" '{"disallowAutomaticSingleRunInference": true}')
echo "messages for a fault over a clean file (twice), and for a clean text over a file with a fault (twice)"
echo "  CI unset:                                     $given"
echo "  CI=true:                                      $in_ci"
echo "  CI=true, disallowAutomaticSingleRunInference: $asked"
if [ "$given" = "1 1 0 0" ] && [ "$in_ci" = "0 1 1 0" ] && [ "$asked" = "1 1 0 0" ]; then
    echo "as described"
else
    echo "CHANGED"
    exit 1
fi
