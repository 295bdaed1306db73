import { setTimeout as sleep } from "node:timers/promises";

/** Waits until it holds. @throws Error where it does not in time */
export async function until(holds: () => boolean | Promise<boolean>, ms = 10_000): Promise<void> {
  const deadline = performance.now() + ms;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error("it never came true");
    await sleep(10);
  }
}
