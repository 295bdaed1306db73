import { Worker } from "./worker.mjs";

/**
 * One build of the library, this one or another commit's, loaded in a fresh process for as long as `work` runs.
 * @template T @param {string} root of the built clone @param {import("medinfer").LoadOptions} load
 * @param {(build: Worker) => Promise<T>} work calls what children/commit.mjs serves @returns {Promise<T>}
 */
export async function withBuild(root, load, work) {
  const build = new Worker(new URL("../children/commit.mjs", import.meta.url));
  try {
    await build.call("use", root);
    await build.call("load", load);
    return await work(build);
  } finally {
    await build.close();
  }
}
