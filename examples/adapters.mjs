import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Engine } from "medinfer";

const engine = await Engine.load();
// An adapter that was trained for the model. The package has none, so here is one that was not.
const folder = mkdtempSync(join(tmpdir(), "adapters-"));
const file = join(folder, "experiment.gguf");
writeFileSync(file, randomAdapter(engine.info.nEmbd));

const adapter = await engine.loadAdapter(file);
console.log(`${adapter.name}: rank ${adapter.rank}, for ${adapter.architecture}, ${adapter.bytes} bytes`);

// Each request chooses for itself. All of them share forward passes.
const messages = [{ role: "user", content: "What is hypertension?" }];
const ask = (adapters) => engine.chat({ messages, adapters, sampling: { temperature: 0 }, nPredict: 16 }).result;
const uses = [[], [{ adapter, scale: 0.5 }], [{ adapter: "experiment", scale: 2 }]];
for (const { text } of await Promise.all(uses.map(ask))) console.log(text);

await adapter.unload(); // when the last request that uses it has ended
console.log(`${engine.adapters().length} adapters are left`);
await engine.close();
rmSync(folder, { recursive: true });

/** A GGUF file: what is added to the output of the first layer's attention, in two halves of rank 4. */
function randomAdapter(width) {
  const u32 = (n) => Buffer.from(Uint32Array.of(n).buffer);
  const u64 = (n) => Buffer.from(BigUint64Array.of(BigInt(n)).buffer);
  const text = (s) => Buffer.concat([u64(Buffer.byteLength(s)), Buffer.from(s)]);
  const values = { "general.type": "adapter", "general.architecture": "llama", "adapter.type": "lora" };
  const half = () => Float32Array.from({ length: 4 * width }, () => Math.random() - 0.5);
  const shapes = { lora_a: [width, 4], lora_b: [4, width] };
  const head = Buffer.concat([
    ...[Buffer.from("GGUF"), u32(3), u64(2), u64(3)],
    ...Object.entries(values).flatMap(([key, value]) => [text(key), u32(8), text(value)]),
    ...Object.entries(shapes).flatMap(([name, [columns, rows]], i) => [
      ...[text(`blk.0.attn_output.weight.${name}`), u32(2), u64(columns), u64(rows), u32(0), u64(i * 16 * width)],
    ]),
  ]);
  return Buffer.concat([head, Buffer.alloc(-head.length & 31), ...[half(), half()].map((h) => Buffer.from(h.buffer))]);
}
