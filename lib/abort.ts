/**
 * Listens to abort signals. A service may give one signal to hundreds of requests, and Node warns on stderr where a
 * signal has more than ten listeners: so each signal gets one listener from here, whatever the number of requests.
 */

const followers = new WeakMap<AbortSignal, Followers>();

interface Followers {
  callbacks: Set<() => void>;
  listener: () => void;
}

/**
 * Calls `callback` once when the signal is aborted. Without a signal, or where it is aborted already, it is never called.
 *
 * @returns ends the listening
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  const { callbacks } = followers.get(signal) ?? listen(signal);
  callbacks.add(callback);
  return () => {
    if (callbacks.delete(callback) && callbacks.size === 0) unlisten(signal);
  };
}

function listen(signal: AbortSignal): Followers {
  const callbacks = new Set<() => void>();
  const listener = () => {
    followers.delete(signal);
    for (const callback of [...callbacks]) callback();
  };
  const entry = { callbacks, listener };
  followers.set(signal, entry);
  signal.addEventListener("abort", listener, { once: true });
  return entry;
}

function unlisten(signal: AbortSignal): void {
  const entry = followers.get(signal);
  if (entry === undefined || entry.callbacks.size > 0) return;
  followers.delete(signal);
  signal.removeEventListener("abort", entry.listener);
}
