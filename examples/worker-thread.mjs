import { once } from "node:events";
import { isMainThread, parentPort, Worker } from "node:worker_threads";
import { fileURLToPath } from "node:url";
import { Engine } from "medinfer";

if (isMainThread) {
  const worker = new Worker(fileURLToPath(import.meta.url));
  const [text] = await once(worker, "message");
  console.log("from the worker:", text);
} else {
  const engine = await Engine.load();
  const messages = [{ role: "user", content: "What is asthma?" }];
  const { text } = await engine.chat({ messages }).result;
  parentPort.postMessage(text.trim());
  await engine.close();
}
