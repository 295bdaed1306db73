#!/usr/bin/env bash
# webpack puts "undefined" in place of createRequire(x) where it can not tell x while it builds, and the bundle throws a TypeError.
#
# Versions:  webpack 5.113.0; for comparison esbuild 0.28.2 (npm).
# Expected:  A call that webpack can not evaluate stays as it is: with the target "node" the program has node:module at hand.
# Seen:      It is about ES modules with import { createRequire } from "node:module" and the target "node". With
#            const require2 = createRequire(import.meta.url) webpack puts "undefined" in place of the call and its own require in place
#            of each use of require2: the bundle works. With an argument that it can not evaluate (be it a constant that holds
#            import.meta.url) it puts "undefined" there, too, but leaves the uses as they are. It warns "module.createRequire failed
#            parsing argument.", which does not say so, and reports no error; the bundle stops with "TypeError: require2 is not a
#            function".
#            createRequire(x).resolve("node:fs") is replaced without even a warning: Node prints "node:fs", the bundle the number of
#            one of its modules.
#            All this works in Node, from esbuild, and from webpack with module.parser.javascript.createRequire: false. It also works
#            where webpack does not recognise the call: in a CommonJS module, or as nodeModule.createRequire(x) after
#            import nodeModule from "node:module".
# Matters:   A library that looks for a file from another place than its own, as the program's, breaks in its users' bundles. One of
#            the two forms that webpack does not recognise avoids that, with no setting in the users' hands.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

npm install --prefix "$tmp" --silent --no-audit --no-fund --ignore-scripts webpack@5.113.0 esbuild@0.28.2 || exit 2
mkdir "$tmp/src"

named='import { createRequire } from "node:module";'
use='console.log(typeof require2("node:fs").readFileSync);'
write() { printf '%s\n' "${@:2}" > "$tmp/src/$1"; }
write literal.mjs "$named" 'const require2 = createRequire(import.meta.url);' "$use"
write constant.mjs "$named" 'const base = import.meta.url;' 'const require2 = createRequire(base);' "$use"
write either.mjs "$named" 'const base = typeof __filename === "string" ? __filename : import.meta.url;' \
    'const require2 = createRequire(base);' "$use"
write program.mjs "$named" 'const require2 = createRequire(process.argv[1]);' "$use"
write resolve.mjs "$named" 'console.log(createRequire(process.argv[1]).resolve("node:fs"));'
write member.mjs 'import nodeModule from "node:module";' 'const require2 = nodeModule.createRequire(process.argv[1]);' "$use"
write commonjs.cjs 'const { createRequire } = require("node:module");' 'const require2 = createRequire(process.argv[1]);' "$use"

cat > "$tmp/run.mjs" <<'JS'
import {spawnSync} from "node:child_process";
import {readFileSync} from "node:fs";
import path from "node:path";
import {fileURLToPath} from "node:url";
import {buildSync} from "esbuild";
import webpack from "webpack";

const here = fileURLToPath(new URL(".", import.meta.url));
for (const [name, version] of Object.entries({webpack: "5.113.0", esbuild: "0.28.2"})) {
    const found = JSON.parse(readFileSync(path.join(here, "node_modules", name, "package.json"), "utf8")).version;
    if (found !== version) {
        console.error(`${name} is ${found}, not ${version}`);
        process.exit(2);
    }
}
console.log(`webpack 5.113.0, esbuild 0.28.2, Node ${process.version}`);

function run(file) {
    const {status, stdout, stderr} = spawnSync(process.execPath, [file], {cwd: here, encoding: "utf8"});
    return status === 0 ? stdout.trim() : (/^\w*Error: .*$/m.exec(stderr)?.[0] ?? `exit status ${status}`);
}

async function byWebpack(name, more) {
    const filename = `webpack-${name}.cjs`;
    const stats = await new Promise((resolve, reject) => {
        const options = {
            context: here, entry: `./src/${name}`, target: "node", mode: "none", output: {path: path.join(here, "out"), filename}, ...more,
        };
        webpack(options, (error, result) => (error ? reject(error) : resolve(result)));
    });
    const {errors, warnings} = stats.toJson({all: false, errors: true, warnings: true});
    return {
        errors: errors.map(({message}) => message),
        warnings: [...new Set(warnings.map(({message}) => message))],
        result: run(path.join(here, "out", filename)),
        lines: readFileSync(path.join(here, "out", filename), "utf8").split("\n").filter((line) => line.includes("require2")),
    };
}

function byEsbuild(name) {
    const outfile = path.join(here, "out", `esbuild-${name}`);
    const format = name.endsWith(".cjs") ? "cjs" : "esm";
    buildSync({absWorkingDir: here, entryPoints: [`src/${name}`], bundle: true, platform: "node", format, outfile, logLevel: "silent"});
    return run(outfile);
}

const broken = "TypeError: require2 is not a function";
const expected = {
    "literal.mjs": "function", "constant.mjs": broken, "either.mjs": broken, "program.mjs": broken, "resolve.mjs": /^\d+$/,
    "member.mjs": "function", "commonjs.cjs": "function",
};
let described = true;
for (const [name, result] of Object.entries(expected)) {
    const inNode = run(path.join(here, "src", name));
    const bundled = await byWebpack(name, {});
    const off = await byWebpack(name, {module: {parser: {javascript: {createRequire: false}}}});
    const esbuild = byEsbuild(name);
    console.log(`${name}: ${readFileSync(path.join(here, "src", name), "utf8").trim().split("\n").join(" ")}`);
    console.log(`  Node: ${inNode}; esbuild: ${esbuild}; webpack, createRequire: false: ${off.result}`);
    console.log(`  webpack: ${bundled.result}; errors: ${JSON.stringify(bundled.errors)}, warnings: ${JSON.stringify(bundled.warnings)}`);
    for (const line of bundled.lines) console.log(`  in the bundle: ${line}`);

    const good = name === "resolve.mjs" ? "node:fs" : "function";
    described &&= [inNode, esbuild, off.result].every((seen) => seen === good) && off.errors.length + off.warnings.length === 0;
    described &&= result instanceof RegExp ? result.test(bundled.result) : bundled.result === result;
    described &&= bundled.errors.length === 0;
    const warnings = result === broken ? ["module.createRequire failed parsing argument."] : [];
    described &&= JSON.stringify(bundled.warnings) === JSON.stringify(warnings);
    const kept = 'console.log(typeof require2("node:fs").readFileSync);';
    const written = ["const require2 = /* createRequire() */ undefined;", ...(result === broken ? [kept] : [])];
    described &&= !(result === broken || name === "literal.mjs") || JSON.stringify(bundled.lines) === JSON.stringify(written);
}
console.log(described ? "as described" : "CHANGED");
process.exit(described ? 0 : 1);
JS
node "$tmp/run.mjs"
