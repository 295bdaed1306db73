import { Engine, MedInferError } from "medinfer";

const engine = await Engine.load();
const request = { messages: [{ role: "user", content: "Hello" }], ignoreEos: true };

// A signal ends a request within one forward pass.
const controller = new AbortController();
setTimeout(() => controller.abort(new Error("the user went away")), 20);
try {
  await engine.chat({ ...request, signal: controller.signal }).result;
} catch (error) {
  if (!(error instanceof MedInferError)) throw error;
  console.log(error.code, "because", error.cause.message);
}

// So does leaving the loop.
for await (const event of engine.chat(request)) {
  if (event.type === "text") break;
}
await engine.close();
