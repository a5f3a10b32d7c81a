import { abortable, onAbort, SharedWork } from "@lazyimg/core/abort";
import { describe, expect, test, vi } from "vitest";

const never = new Promise<never>(() => {});
const reason = { why: "enough" };

describe("onAbort", () => {
  test("calls each once, and not those that were taken back", () => {
    const controller = new AbortController();
    const [a, b] = [vi.fn(), vi.fn()];
    onAbort(controller.signal, a);
    onAbort(controller.signal, b)();
    controller.abort();
    expect(a).toHaveBeenCalledOnce();
    expect(b).not.toHaveBeenCalled();
  });

  test("one listener, however many wait", () => {
    const { signal } = new AbortController();
    const listen = vi.spyOn(signal, "addEventListener");
    for (let n = 0; n < 50; n++) onAbort(signal, () => {});
    expect(listen).toHaveBeenCalledOnce();
  });
});

describe("abortable", () => {
  test("settles as the promise does", async () => {
    const { signal } = new AbortController();
    expect(await abortable(Promise.resolve(7), signal)).toBe(7);
    expect(await abortable(Promise.resolve(7), undefined)).toBe(7);
    await expect(abortable(Promise.reject(reason), signal)).rejects.toBe(reason);
  });

  test("rejects with the reason, before or while it waits", async () => {
    const controller = new AbortController();
    const waiting = abortable(never, controller.signal);
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    await expect(abortable(never, controller.signal)).rejects.toBe(reason);
  });
});

describe("SharedWork", () => {
  function share() {
    const made = withResolvers<number>();
    let signal: AbortSignal | undefined;
    const work = new SharedWork((given) => {
      signal = given;
      return made.promise;
    });
    return { work, ...made, signal: signal! };
  }

  test("dies with its last reader, never with its first", async () => {
    const { work, signal } = share();
    const [a, b] = [new AbortController(), new AbortController()];
    const [first, second] = [work.join(a.signal), work.join(b.signal)];
    a.abort(reason);
    await expect(first).rejects.toBe(reason);
    expect([signal.aborted, work.abandoned]).toEqual([false, false]);
    b.abort(8);
    await expect(second).rejects.toBe(8);
    expect([signal.aborted, work.abandoned]).toEqual([true, true]);
  });

  test("a reader that leaves does not harm the others", async () => {
    const { work, resolve } = share();
    const controller = new AbortController();
    const [leaving, staying] = [work.join(controller.signal), work.join(new AbortController().signal)];
    controller.abort(reason);
    resolve(7);
    await expect(leaving).rejects.toBe(reason);
    expect(await staying).toBe(7);
  });

  test("a reader without a signal never leaves", async () => {
    const { work, signal, resolve } = share();
    const controller = new AbortController();
    const [leaving, staying] = [work.join(controller.signal), work.join()];
    controller.abort(reason);
    await expect(leaving).rejects.toBe(reason);
    expect(signal.aborted).toBe(false);
    resolve(7);
    expect(await staying).toBe(7);
  });

  test("one that has aborted already does not join, and does not count", async () => {
    const { work, signal } = share();
    await expect(work.join(AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(signal.aborted).toBe(false);
  });

  test("a failure reaches every reader, and nobody when nobody waits", async () => {
    const { work, reject } = share();
    const [a, b] = [work.join(new AbortController().signal), work.join()];
    reject(reason);
    await expect(a).rejects.toBe(reason);
    await expect(b).rejects.toBe(reason);
    share().reject(new Error("heard by nobody"));
    await new Promise((resolve) => setTimeout(resolve, 0));
  });
});

function withResolvers<T>() {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((a, b) => {
    resolve = a;
    reject = b;
  });
  return { promise, resolve, reject };
}
