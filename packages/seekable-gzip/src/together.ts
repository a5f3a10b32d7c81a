import { onAbort } from "@lazyimg/core/abort";

/** Something that ends when `signal` aborts. */
export type Task = (signal: AbortSignal | undefined) => Promise<unknown>;

/**
 * Runs tasks side by side, all begun at once. The first that fails ends the others; this rejects with what it failed with
 * when all have ended, or with `signal.reason`.
 */
export async function together(tasks: readonly Task[], signal: AbortSignal | undefined): Promise<void> {
  if (tasks.length === 1) {
    await tasks[0]!(signal);
    return;
  }
  const failed = new AbortController();
  const stay = signal && onAbort(signal, () => failed.abort(signal.reason));
  const running = tasks.map(async (task) => {
    try {
      await task(failed.signal);
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  });
  try {
    await Promise.all(running);
  } catch {
    signal?.throwIfAborted();
    await Promise.allSettled(running);
    throw failed.signal.reason;
  } finally {
    stay?.();
  }
}
