// What bundlers take for the package (the condition "module", which Node does not know). A bundle cannot hold the native
// addon, so it holds nothing of the package: it loads what is installed where the program runs.
import process from "node:process";

// Not imported: webpack would take what it returns for its own require.
const { createRequire } = process.getBuiltinModule("node:module");

/** Files to look from: the bundle, as CommonJS and as an ES module know it, and the program that runs it. */
function places() {
  const found = [import.meta.url, process.argv[1]];
  try {
    found.unshift(__filename);
  } catch {
    // An ES module. Bundlers think that they know the answer of typeof.
  }
  return found.filter((place) => typeof place === "string");
}

function load() {
  for (const place of places()) {
    let path;
    let requireFrom;
    try {
      requireFrom = createRequire(place);
      path = requireFrom.resolve("medinfer");
    } catch {
      continue; // not installed there, or a bundler's made-up name: the next place may know
    }
    return requireFrom(path);
  }
  throw Object.assign(
    new Error(
      "medinfer is not found where the bundle runs. A bundle cannot hold its native addon: install it there " +
        '("npm install medinfer"), or name it as external (esbuild: --external:medinfer, webpack: externals, Next.js: ' +
        "serverExternalPackages)",
    ),
    { code: "BACKEND_LOST" },
  );
}

export default load();
