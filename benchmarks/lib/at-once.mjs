/**
 * Works through a list, so many items at once. What becomes of them, in their order.
 * @template T, R
 * @param {readonly T[]} items @param {number} atOnce @param {(item: T) => Promise<R>} work
 * @returns {Promise<R[]>}
 */
export async function workThrough(items, atOnce, work) {
  const results = [];
  let next = 0;
  const lane = async () => {
    while (next < items.length) {
      const at = next++;
      results[at] = await work(items[at]);
    }
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
  return results;
}
