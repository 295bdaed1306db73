import { Engine } from "medinfer";

const image = new URL("./prescriptions/00000.png", import.meta.url);
const engine = await Engine.load();
const { values, tokens, width } = await engine.embedImage(image);
const first = values.subarray(0, width); // row-major: one row of `width` floats per image token
console.log(`${tokens} tokens of ${width} floats; the first begins with ${first.slice(0, 3).join(", ")}`);
console.log((await engine.embedImage(image)).cached ? "the second time from the cache" : "encoded again");
await engine.close();
