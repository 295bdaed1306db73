// What libmtmd knows of projectors at the pinned release.
import { readFileSync } from "node:fs";
import path from "node:path";

import { llamaDir } from "../../scripts/lib/paths.mjs";

/** Kinds that read sound or make it: no image passes through them. */
const sound = new Set([
  ...[
    "gemma3na",
    "gemma4a",
    "gemma4ua",
    "ultravox",
    "qwen2a",
    "qwen3a",
    "glma",
    "voxtral",
    "meralion",
    "musicflamingo",
  ],
  ...["dots3note_a", "lfm2a", "granite_speech", "mimo_audio", "parakeet"],
  ...["qwen3tts_spkenc", "qwen3tts_gen", "pockettts_spkenc", "pockettts_gen"],
]);
/** Names that stand for another kind: libmtmd puts the other in its place when it reads the file. */
const aliases = new Set(["qwen2.5o"]);

/** The names of all kinds of projectors for images, as a GGUF file has them. */
export function visionKinds() {
  const source = readFileSync(path.join(llamaDir, "tools", "mtmd", "clip-impl.h"), "utf8");
  const names = [...source.matchAll(/\{\s*PROJECTOR_TYPE_\w+,\s*"([^"]+)"\s*\}/g)].map(([, name = ""]) => name);
  return names.filter((name) => !sound.has(name) && !aliases.has(name));
}
