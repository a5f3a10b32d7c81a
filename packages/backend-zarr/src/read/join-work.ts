import { SharedWork } from "@lazyimg/core/abort";

/** Waits for the work on `key` that is under way, or starts it: it ends when its last reader leaves. */
export function joinWork<T>(
  running: Map<string, SharedWork<T>>,
  key: string,
  start: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal | undefined,
): Promise<T> {
  let work = running.get(key);
  if (work === undefined || work.abandoned) {
    const started: SharedWork<T> = new SharedWork(async (shared) => {
      try {
        return await start(shared);
      } finally {
        if (running.get(key) === started) running.delete(key);
      }
    });
    running.set(key, started);
    work = started;
  }
  return work.join(signal);
}
