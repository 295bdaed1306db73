// Two workers with an engine each, at the same time; one is terminated in the middle of its work, the other goes on.
import assert from "node:assert/strict";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { isMainThread, parentPort, Worker } from "node:worker_threads";

import { Events, loadEngine, longPrompt, requestOf } from "./native.mjs";

async function generate() {
  let text = "";
  const events = new Events((event) => event.type === "text" && (text += event.text));
  const engine = await loadEngine({}, events.receive);
  const end = await events.end(engine.submit(requestOf(longPrompt(12), { nPredict: 100 })));
  assert.equal(end.type, "done");
  return { engine, text };
}

if (isMainThread) {
  for (let round = 0; round < 5; round++) {
    const [stays, goes] = [0, 1].map(() => new Worker(fileURLToPath(import.meta.url)));
    const own = generate();
    const answers = await Promise.all([once(stays, "message"), once(goes, "message")]);
    const { engine, text } = await own;
    assert.ok(text.length > 50);
    assert.deepEqual(answers, [[text], [text]]);
    goes.postMessage("again");
    await once(goes, "message");
    await goes.terminate();
    stays.postMessage("again");
    assert.deepEqual(await once(stays, "message"), ["started"]);
    assert.deepEqual(await once(stays, "message"), [text]);
    stays.postMessage("close");
    assert.deepEqual(await once(stays, "exit"), [0]);
    await engine.close();
  }
} else {
  const port = /** @type {import("node:worker_threads").MessagePort} */ (parentPort);
  const { engine, text } = await generate();
  port.postMessage(text);
  port.on("message", async (message) => {
    if (message === "again") {
      port.postMessage("started");
      port.postMessage((await generate()).text);
    } else {
      await engine.close();
      port.close();
    }
  });
}
