#!/usr/bin/env bash
# A library that uses @opentelemetry/api 1.10.0 traces nothing where the application's SDK has 1.9.0, and nothing says so.
#
# Versions:  @opentelemetry/api 1.10.0 and 1.9.0, @opentelemetry/sdk-trace-base 2.12.1 (npm), each the newest that goes with the other:
#            the SDK's peer range ends below 1.10.0.
# Expected:  A library depends on the API alone, and the user brings the SDK. Minor versions are compatible, so a library with
#            ^1.10.0 beside an application with 1.9.0 has its spans recorded, or a diagnostic tells that it has not.
# Seen:      The provider that was registered through 1.9.0 is no provider to 1.10.0: every span of the library is one that records
#            nothing. No exception, and no message through diag, at any level. The other way round, a library with 1.9.0 beside an
#            application that registers through 1.10.0, all spans come.
# Matters:   npm gives each package the version that it asks for, so one dependency that moves to 1.10.0 vanishes from all traces. A
#            library has to depend on the oldest minor version that it can do with.
#
# Exit status: 0 as described, 1 changed, anything else: could not run.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
# An application and a library, each with an API of its own; the SDK finds the application's.
for each in 1.9.0 1.10.0; do
  mkdir -p "app-$each" "library-$each"
  echo '{ "private": true }' | tee "app-$each/package.json" > "library-$each/package.json"
  npm install --prefix "app-$each" --silent --no-audit --no-fund --legacy-peer-deps "@opentelemetry/api@$each" @opentelemetry/sdk-trace-base@2.12.1
  npm install --prefix "library-$each" --silent --no-audit --no-fund "@opentelemetry/api@$each"
done

cat > trace.cjs <<'JS'
const [, , app, library] = process.argv;
const { createRequire } = require("node:module");
const ofApp = createRequire(`${__dirname}/app-${app}/package.json`);
const ofLibrary = createRequire(`${__dirname}/library-${library}/package.json`);

const { diag, DiagLogLevel, trace } = ofApp("@opentelemetry/api");
const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = ofApp("@opentelemetry/sdk-trace-base");
let told = 0;
const tell = () => void (told += 1);
const logger = { error: tell, warn: tell, info: tell, debug: tell, verbose: tell };
const exporter = new InMemorySpanExporter();
const provider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] });
trace.setGlobalTracerProvider(provider);
diag.setLogger(logger, { logLevel: DiagLogLevel.ALL, suppressOverrideMessage: true });
told = 0;

const span = ofLibrary("@opentelemetry/api").trace.getTracer("library").startSpan("work");
const recording = span.isRecording();
span.end();
console.log(JSON.stringify([recording, exporter.getFinishedSpans().length, told]));
JS

described=0
expect() {
  local found
  found=$(node trace.cjs "$1" "$2")
  echo "application $1, library $2: [recording, spans, diagnostics] = $found"
  [ "$found" = "$3" ] || described=1
}
expect 1.9.0 1.9.0 '[true,1,0]'
expect 1.9.0 1.10.0 '[false,0,0]'
expect 1.10.0 1.9.0 '[true,1,0]'
expect 1.10.0 1.10.0 '[true,1,0]'
[ $described = 0 ] && echo "as described" || echo "CHANGED"
exit $described
