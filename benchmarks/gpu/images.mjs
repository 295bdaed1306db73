// Images: how many a second are annotated, and what encoding them does to the text streams beside it.
import { cachedFile } from "../../test/support/cached-file.mjs";
import { blocksPng } from "../../test/support/images.mjs";
import { place } from "../kv/systems.mjs";
import { round } from "../lib/stats.mjs";
import { Worker } from "../lib/worker.mjs";
import { encoderOf, modelOf } from "./models.mjs";

/** Tokens of an annotation. */
const ANSWER = 32;

const picture = (seed, side) =>
  cachedFile(`blocks-gpu-${side}-${seed}.png`, blocksPng(seed, { width: side, height: side }));

/** @param {{ gpu: boolean, quick: boolean, log: (line: string) => void }} settings */
export async function images({ gpu, quick, log }) {
  const count = quick ? 4 : 32;
  const side = quick ? 112 : 560;
  const pictures = (first, n) => Array.from({ length: n }, (_, i) => picture(first + i, side));
  const unique = pictures(0, count);
  const worker = new Worker(new URL("../children/image-engine.mjs", import.meta.url));
  const model = modelOf("3B-VLM", "q4_k_m", quick);
  const load = {
    ...place(gpu),
    model,
    mmproj: encoderOf(quick),
    nCtx: quick ? 4096 : 65_536,
    batchSize: count,
    imageCacheBytes: 2 ** 30,
  };
  try {
    await worker.call("load", load);
    await worker.call("annotate", { images: pictures(999, 1), answer: ANSWER, atOnce: 1 }); // warms up
    const one = await worker.call("annotate", { images: unique.slice(0, count / 2), answer: ANSWER, atOnce: 1 });
    const many = await worker.call("annotate", { images: unique.slice(count / 2), answer: ANSWER, atOnce: count });
    const repeated = await worker.call("annotate", { images: unique, answer: ANSWER, atOnce: count });
    const fresh = pictures(500, count);
    const gaps = await worker.call("streams", { streams: 4, tokens: quick ? 24 : 256, images: fresh, answer: ANSWER });
    log(`images: ${one.perSecond} a second one by one, ${many.perSecond} together, ${repeated.perSecond} seen before`);
    log(
      `images: between tokens of text ${gaps.alone.p50} / ${gaps.alone.p99} ms alone, ${gaps.beside.p50} / ${gaps.beside.p99} beside images`,
    );
    return {
      figures: { tokensPerImage: one.tokensPerImage, one, many, repeated, gaps },
      head: [`3B-VLM, ${one.tokensPerImage} tokens an image, answers of ${ANSWER}`, "figure"],
      rows: [
        ["images a second, one at a time", one.perSecond],
        [`images a second, ${count / 2} at once`, many.perSecond],
        [`images a second, ${count} that were seen before`, repeated.perSecond],
        ["ms between tokens of 4 text streams, p50 / p99", `${gaps.alone.p50} / ${gaps.alone.p99}`],
        [`the same while ${count} images are annotated`, `${gaps.beside.p50} / ${gaps.beside.p99}`],
        ["images over one by one", round(many.perSecond / one.perSecond)],
      ],
      targets: [],
    };
  } finally {
    await worker.close();
  }
}
