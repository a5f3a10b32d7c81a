const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `callback` once when `signal` aborts, which must not have happened yet; returns what takes that back.
 *
 * A signal gets a single listener however many reads share it: Node warns of a leak at the eleventh.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  const all = callbacks.get(signal) ?? new Set();
  if (!callbacks.has(signal)) {
    callbacks.set(signal, all);
    signal.addEventListener("abort", () => {
      for (const call of all) call();
    });
  }
  all.add(callback);
  return () => all.delete(callback);
}

/** Settles as `promise` does, or rejects with `signal.reason` where that comes first, after which `onLeave` is called. */
export function abortable<T>(
  promise: Promise<T>,
  signal: AbortSignal | undefined,
  onLeave?: () => void,
): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    let stay = (): void => {};
    promise.then(resolve, reject).then(() => stay());
    if (signal.aborted) return reject(signal.reason);
    stay = onAbort(signal, () => {
      reject(signal.reason);
      onLeave?.();
    });
  });
}
