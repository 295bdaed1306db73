// Images: how many a second are annotated, and what encoding them does to the text streams beside it.
import { cachedFile } from "../../test/support/cached-file.mjs";
import { blocksPng } from "../../test/support/images.mjs";
import { place } from "../kv/systems.mjs";
import { round } from "../lib/stats.mjs";
import { Worker } from "../lib/worker.mjs";
import { encoderOf, encoderOperations, imageSide, modelOf } from "./models.mjs";

/** Tokens of an annotation. */
const ANSWER = 32;
/** Tokens of a step, where images are read in pieces for the sake of the streams beside them. */
const SMALL_STEP = 128;
/** Milliseconds of an image, and between the tokens of text beside images that are encoded, 99 of 100. */
const GOALS = { image: 15, gap: 20 };

const picture = (seed, side) =>
  cachedFile(`blocks-gpu-${side}-${seed}.png`, blocksPng(seed, { width: side, height: side }));

/** @param {{ gpu: boolean, quick: boolean, limits: object, log: (line: string) => void }} settings */
export async function images({ gpu, quick, limits, log }) {
  const counts = quick ? [1, 2, 4] : [1, 4, 16, 32];
  const most = counts.at(-1);
  let drawn = 0;
  const fresh = (n) => Array.from({ length: n }, () => picture(drawn++, imageSide(quick)));
  const worker = new Worker(new URL("../children/image-engine.mjs", import.meta.url));
  const load = {
    ...place(gpu),
    model: modelOf("3B-VLM", "q4_k_m", quick),
    mmproj: encoderOf(quick),
    chatTemplate: "chatml", // random weights were not trained with any
    nCtx: quick ? 4096 : 65_536,
    batchSize: most,
    imageCacheBytes: 2 ** 30,
  };
  const ofLimit = (perSecond) => round((perSecond * encoderOperations(quick)) / limits.flopPerSecond);
  try {
    await worker.call("load", load);
    await worker.call("annotate", { images: fresh(1), answer: ANSWER, atOnce: 1 }); // warms up
    const byCount = {};
    for (const atOnce of counts) {
      const images = fresh(Math.max(atOnce, quick ? 2 : 8));
      const unique = await worker.call("annotate", { images, answer: ANSWER, atOnce });
      const repeated = await worker.call("annotate", { images, answer: ANSWER, atOnce });
      byCount[atOnce] = { unique, repeated };
      log(`images: ${atOnce} at once: ${unique.perSecond} a second, ${repeated.perSecond} seen before`);
    }
    const alone = await worker.call("encode", { images: fresh(quick ? 4 : 24) });
    log(`images: ${alone.ms} ms to encode one, of which ${alone.passMs} in the tower`);
    const streams = () => ({
      streams: 4,
      tokens: quick ? 24 : 256,
      encoded: fresh(quick ? 4 : 48),
      annotated: fresh(most),
      answer: ANSWER,
    });
    const gaps = await worker.call("streams", streams());
    await worker.call("load", { ...load, nBatch: SMALL_STEP });
    await worker.call("annotate", { images: fresh(1), answer: ANSWER, atOnce: 1 });
    const small = await worker.call("streams", streams());
    const ms = ({ p50, p99, most }) => `${p50} / ${p99} / ${most}`;
    for (const [what, { encoding, annotating, alone }] of Object.entries({ "": gaps, ", small steps": small }))
      log(
        `images: ms between tokens of text${what}, p50 / p99 / most: ${ms(alone)} alone, ${ms(encoding)} beside encoding, ${ms(annotating)} beside annotations`,
      );
    const { tokensPerImage } = byCount[1].unique;
    return {
      figures: { tokensPerImage, byCount, encode: alone, gaps, smallSteps: small },
      head: [`3B-VLM, ${tokensPerImage} tokens an image, answers of ${ANSWER}`, "new", "of the limit", "seen before"],
      rows: [
        ...Object.entries(byCount).map(([atOnce, { unique, repeated }]) => [
          `images a second, ${atOnce} at once`,
          unique.perSecond,
          ofLimit(unique.perSecond),
          repeated.perSecond,
        ]),
        [
          `${most} at once over one by one`,
          round(byCount[most].unique.perSecond / byCount[1].unique.perSecond),
          "–",
          "–",
        ],
        ["ms to encode an image, alone", alone.ms, ofLimit(1000 / alone.ms), "–"],
        ["of which in the tower", alone.passMs, ofLimit(1000 / alone.passMs), "–"],
        ["ms between tokens of 4 text streams, p50 / p99 / most", ms(gaps.alone), "–", "–"],
        ["the same while images are encoded", ms(gaps.encoding), "–", "–"],
        [`the same while ${most} images are annotated`, ms(gaps.annotating), "–", "–"],
        [`and in steps of ${SMALL_STEP} tokens`, ms(small.annotating), "–", "–"],
      ],
      plot: {
        title: "Images a second, by how many are annotated at once",
        x: counts,
        lines: {
          new: counts.map((count) => byCount[count].unique.perSecond),
          "seen before": counts.map((count) => byCount[count].repeated.perSecond),
        },
      },
      targets: [
        { what: "ms to encode an image", value: alone.ms, atMost: GOALS.image },
        {
          what: "ms between tokens beside images that are encoded, 99 of 100",
          value: gaps.encoding.p99,
          atMost: GOALS.gap,
        },
        {
          what: `ms between tokens beside annotations in steps of ${SMALL_STEP}, 99 of 100`,
          value: small.annotating.p99,
          atMost: GOALS.gap,
        },
      ],
    };
  } finally {
    await worker.close();
  }
}
