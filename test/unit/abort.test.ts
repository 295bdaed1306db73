import { describe, expect, it, vi } from "vitest";
import { onAbort } from "../../lib/abort.js";

describe("onAbort", () => {
  it("calls everybody once, over one listener on the signal", () => {
    const controller = new AbortController();
    const add = vi.spyOn(controller.signal, "addEventListener");
    const callbacks = Array.from({ length: 50 }, () => vi.fn());
    for (const callback of callbacks) onAbort(controller.signal, callback);
    expect(add).toHaveBeenCalledOnce();
    controller.abort();
    for (const callback of callbacks) expect(callback).toHaveBeenCalledOnce();
  });

  it("calls no listener that has left, and leaves no listener behind", () => {
    const controller = new AbortController();
    const remove = vi.spyOn(controller.signal, "removeEventListener");
    const [stays, leaves] = [vi.fn(), vi.fn()];
    const unfollowLeaves = onAbort(controller.signal, leaves);
    const unfollowStays = onAbort(controller.signal, stays);
    unfollowLeaves();
    unfollowLeaves();
    expect(remove).not.toHaveBeenCalled();
    unfollowStays();
    expect(remove).toHaveBeenCalledOnce();
    onAbort(controller.signal, stays);
    controller.abort();
    expect(stays).toHaveBeenCalledOnce();
    expect(leaves).not.toHaveBeenCalled();
  });

  it("may be left in the middle of an abort, and after it", () => {
    const controller = new AbortController();
    const removeListeners: (() => void)[] = [];
    const second = vi.fn();
    removeListeners.push(onAbort(controller.signal, () => removeListeners.forEach((leave) => leave())));
    removeListeners.push(onAbort(controller.signal, second));
    controller.abort();
    expect(second).toHaveBeenCalledOnce();
    removeListeners.forEach((leave) => leave());
  });

  it("takes no signal", () => {
    expect(() => onAbort(undefined, () => {})()).not.toThrow();
  });
});
