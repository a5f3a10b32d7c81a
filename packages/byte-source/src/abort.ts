const callbacks = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Calls `callback` once when `signal` aborts, which must not have happened yet; returns what takes that back.
 *
 * A signal gets a single listener however many reads share it: Node warns of a leak at the eleventh.
 */
export function onAbort(signal: AbortSignal, callback: () => void): () => void {
  let waiting = callbacks.get(signal);
  if (waiting === undefined) {
    const all = new Set<() => void>();
    waiting = all;
    callbacks.set(signal, all);
    signal.addEventListener("abort", () => {
      for (const call of all) call();
      all.clear();
    });
  }
  const all = waiting;
  all.add(callback);
  return () => all.delete(callback);
}

/** Settles as `promise` does, or rejects with `signal.reason` where that comes first. */
export function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return promise;
  return new Promise<T>((resolve, reject) => {
    let leave = (): void => {};
    promise.then(resolve, reject).then(() => leave());
    if (signal.aborted) reject(signal.reason);
    else leave = onAbort(signal, () => reject(signal.reason));
  });
}

/** Waits for `milliseconds`, or rejects with `signal.reason` and leaves no timer behind. */
export async function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    await abortable(
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, milliseconds);
      }),
      signal,
    );
  } finally {
    clearTimeout(timer);
  }
}
