import { readdirSync } from "node:fs";
import path from "node:path";
import { annotateJob, computeWithEngine, openQueue, toJsonl } from "@medinfer/batch";
import { Engine } from "medinfer";

const [folder = "scans", queueUrl = "dir:.medinfer"] = process.argv.slice(2);

function* source() {
  for (const name of readdirSync(folder).sort()) {
    if (/\.(png|jpe?g|bmp|gif)$/i.test(name)) yield { path: path.join(folder, name), id: name };
  }
}

const schema = {
  type: "object",
  properties: { drugs: { type: "array", items: { type: "string", maxLength: 40 }, maxItems: 4 } },
  required: ["drugs"],
  additionalProperties: false,
};

const queue = await openQueue(queueUrl);
const engine = await Engine.load({ batchSize: 4 });
const report = await annotateJob({
  queue,
  source: source(),
  ask: {
    prompt: "Which drugs are on it?",
    schema,
    model: "medinfer-tiny",
    options: { nPredict: 256, sampling: { temperature: 0 } },
  },
  compute: computeWithEngine(engine),
  slots: 8, // twice the engine's batch: it never waits for the queue
  sink: toJsonl("rows.jsonl"),
  onProgress: ({ done, failed, inputs }) => console.error(`${done} done, ${failed} failed, of ${inputs}`),
});
console.log(
  `${report.inputs} inputs = ${report.done} done + ${report.failed} failed + ${report.quarantined} quarantined`,
);
await engine.close();
await queue.close();
