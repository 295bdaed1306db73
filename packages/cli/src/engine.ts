import { Engine } from "medinfer";

/**
 * Loads a model for a look at its template or its vocabulary, and closes it. No GPU, no projector and next to no memory
 * beside the weights, of which the system maps what is read.
 *
 * @param model a path; undefined: the model inside the package
 */
export async function withModel<T>(model: string | undefined, work: (engine: Engine) => T): Promise<T> {
  const engine = await Engine.load({
    ...(model === undefined ? {} : { model }),
    mmproj: null,
    device: "cpu",
    nCtx: 64,
    batchSize: 1,
    nUbatch: 64,
    imageCacheBytes: 0,
  });
  try {
    return work(engine);
  } finally {
    await engine.close();
  }
}
