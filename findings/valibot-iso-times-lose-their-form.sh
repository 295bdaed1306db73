#!/usr/bin/env bash
# @valibot/to-json-schema turns isoTime() and isoDateTime() of valibot into formats that no value of theirs satisfies.
#
# Versions:  @valibot/to-json-schema 1.8.0, valibot 1.5.0; as the independent reader ajv 8.20.0, ajv-formats 3.0.1 (npm).
# Expected:  The JSON Schema accepts the values that the valibot schema accepts, or the converter refuses the action or writes a pattern,
#            as it does for isoTimeSecond().
# Seen:      isoTime() becomes "format": "time", isoDateTime() "format": "date-time". By JSON Schema (draft-07 and 2020-12) these are
#            full-time and date-time of RFC 3339, with seconds and an offset: "10:30:00Z", "2024-01-01T10:30:00Z". valibot's two actions
#            take minutes, and nothing behind them: "10:30", "2024-01-01T10:30". So the two sets have no value in common: what one
#            accepts, the other refuses. All three targets (draft-07, draft-2020-12, openapi-3.0) name the same formats.
#            For comparison: isoTimeSecond() becomes a pattern, and isoDate() and isoTimestamp(), which become "date" and "date-time",
#            agree with them on usual values; valibot takes a few more (2024-02-30, an offset behind a space).
# Matters:   A program or a language model that is held to the JSON Schema, formats included, can send only values that valibot then
#            refuses. isoTimestamp() and isoTimeSecond() are safe to take instead.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

npm install --prefix "$tmp" --silent --no-audit --no-fund --ignore-scripts \
    @valibot/to-json-schema@1.8.0 valibot@1.5.0 ajv@8.20.0 ajv-formats@3.0.1 || exit 2

cat > "$tmp/run.mjs" <<'JS'
import {readFileSync} from "node:fs";
import {toJsonSchema} from "@valibot/to-json-schema";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import * as v from "valibot";

const wanted = {"@valibot/to-json-schema": "1.8.0", valibot: "1.5.0", ajv: "8.20.0", "ajv-formats": "3.0.1"};
for (const [name, version] of Object.entries(wanted)) {
    const found = JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), "utf8")).version;
    if (found !== version) {
        console.error(`${name} is ${found}, not ${version}`);
        process.exit(2);
    }
}
console.log(Object.entries(wanted).map((entry) => entry.join(" ")).join(", "));

const ajv = new Ajv();
addFormats(ajv, {mode: "full"});
const targets = ["draft-07", "draft-2020-12", "openapi-3.0"];
let described = true;

function convert(action) {
    const schema = v.pipe(v.string(), v[action]());
    const [other, json, third] = targets.map((target) => toJsonSchema(schema, {target}));
    described &&= [other, third].every(({format, pattern}) => format === json.format && pattern === json.pattern);
    return {json, byValibot: (value) => v.is(schema, value), byAjv: ajv.compile(json)};
}

// Of each value what valibot, and what the JSON Schema is to say: 1 accepted, 0 refused.
const cases = {
    isoTime: [{format: "time"}, {
        "10:30": "10", "10:30:00": "00", "10:30Z": "00", "10:30:00Z": "01", "10:30:00.5Z": "01", "10:30:00+02:00": "01",
    }],
    isoDateTime: [{format: "date-time"}, {
        "2024-01-01T10:30": "10", "2024-01-01 10:30": "10", "2024-01-01T10:30:00": "00", "2024-01-01T10:30Z": "00",
        "2024-01-01T10:30:00Z": "01", "2024-01-01T10:30:00.5Z": "01", "2024-01-01T10:30:00+02:00": "01",
    }],
    isoTimeSecond: [{pattern: "^(?:0\\d|1\\d|2[0-3])(?::[0-5]\\d){2}$"}, {"10:30": "00", "10:30:00": "11", "10:30:00Z": "00"}],
    isoDate: [{format: "date"}, {"2024-01-01": "11", "2024-13-01": "00", "2024-02-30": "10"}],
    isoTimestamp: [{format: "date-time"}, {
        "2024-01-01T10:30": "00", "2024-01-01T10:30:00": "00", "2024-01-01T10:30:00Z": "11", "2024-01-01T10:30:00.5Z": "11",
        "2024-01-01T10:30:00+02:00": "11", "2024-01-01T10:30:00 +02:00": "10", "2024-02-30T10:30:00Z": "10",
    }],
};
for (const [action, [keyword, values]] of Object.entries(cases)) {
    const {json, byValibot, byAjv} = convert(action);
    const {$schema, type, ...rest} = json;
    described &&= JSON.stringify(rest) === JSON.stringify(keyword);
    console.log(`${action}(): ${JSON.stringify(rest)}`);
    for (const [value, expected] of Object.entries(values)) {
        const seen = [byValibot(value), byAjv(value)];
        described &&= seen.map(Number).join("") === expected;
        const [one, other] = seen.map((accepted) => (accepted ? "accepts" : "refuses"));
        console.log(`  ${value.padEnd(27)} valibot ${one}, the JSON Schema ${other}${seen[0] === seen[1] ? "" : "  <--"}`);
    }
}

// Every minute of a day: all values that isoTime() has, and those of one day that isoDateTime() has.
const two = (number) => String(number).padStart(2, "0");
const minutes = Array.from({length: 24 * 60}, (_, minute) => `${two(Math.floor(minute / 60))}:${two(minute % 60)}`);
for (const [action, starts] of [["isoTime", [""]], ["isoDateTime", ["2024-01-01T", "2024-01-01 "]]]) {
    const {byValibot, byAjv} = convert(action);
    const written = starts.flatMap((start) => minutes.map((minute) => start + minute));
    const strict = written.map((value) => `${value}:00Z`);
    const count = (values, accepts) => values.filter((value) => accepts(value)).length;
    const counts = [count(written, byValibot), count(written, byAjv), count(strict, byValibot), count(strict, byAjv)];
    console.log(`${action}(), ${written.length} values with minutes: valibot accepts ${counts[0]}, the JSON Schema ${counts[1]}; ` +
        `the same with ":00Z": valibot ${counts[2]}, the JSON Schema ${counts[3]}`);
    described &&= counts.join() === [written.length, 0, 0, written.length].join();
}
console.log(described ? "as described" : "CHANGED");
process.exit(described ? 0 : 1);
JS
node "$tmp/run.mjs"
