import { devices, Engine } from "medinfer";

const megabytes = (bytes) => `${Math.round(bytes / 2 ** 20)} MB`;

for (const { name, description, memoryFree } of devices())
  console.log(`${name}: ${description}, ${megabytes(memoryFree)} free`);
const engine = await Engine.load({ device: "auto", nGpuLayers: "auto" });
for (const { device, weights, kv, compute, projector } of engine.info.memory) {
  console.log(
    `on ${device}: weights ${megabytes(weights)}, KV ${megabytes(kv)}, work ${megabytes(compute + projector)}`,
  );
}
console.log(`${engine.info.nGpuLayers} of ${engine.info.nLayer + 1} layers on a GPU`);
await engine.close();
