import { LazyImageError } from "@lazyimg/core";
import { Link, type Progress, type Services } from "@lazyimg/worker-link";
import { afterEach, describe, expect, it } from "vitest";

/** Two sides of a real channel. */
let open: Link[] = [];
function linked(services: Services, ours: Services = {}): { page: Link; worker: Link } {
  const { port1, port2 } = new MessageChannel();
  const worker = new Link(port1, services);
  const page = new Link(port2, ours);
  open.push(worker, page);
  return { page, worker };
}
afterEach(() => {
  for (const link of open) link.close(new Error("The test is over."));
  open = [];
});

const forever = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));

describe("a call", () => {
  it("takes arguments there and brings the result back, whatever the order of answers", async () => {
    const { page } = linked({
      echo: async ([value, after]) => {
        await new Promise((resolve) => setTimeout(resolve, after as number));
        return value;
      },
    });
    const value = { map: new Map([["a", 1n]]), bytes: Uint8Array.of(1, 2) };
    expect(await Promise.all([page.call("echo", ["slow", 20]), page.call("echo", [value, 0])])).toEqual([
      "slow",
      value,
    ]);
    expect(await page.call("echo", [null, 0])).toBeNull();
  });

  it("goes both ways at once", async () => {
    const { page, worker } = linked(
      { twice: async ([n]) => 2 * ((await worker.call("source", [n])) as number) },
      { source: async ([n]) => (n as number) + 1 },
    );
    expect(await Promise.all([1, 2, 3].map((n) => page.call("twice", [n])))).toEqual([4, 6, 8]);
  });

  it("moves a result that is all of its memory, alone or as data, and copies a part", async () => {
    const own = [new Uint8Array(1000), new Float32Array(1000), new Uint8Array(1000)] as const;
    const { page } = linked({
      bytes: async () => own[0],
      plane: async () => ({ width: 10, data: own[1] }),
      part: async () => own[2].subarray(0, 10),
    });
    expect(await page.call("bytes", [])).toEqual(new Uint8Array(1000));
    expect(await page.call("plane", [])).toEqual({ width: 10, data: new Float32Array(1000) });
    expect(await page.call("part", [])).toEqual(new Uint8Array(10));
    expect(own.map(({ length }) => length)).toEqual([0, 0, 1000]);
  });

  it("moves memory of its arguments where it is told to, and copies the rest", async () => {
    const { page } = linked({ sum: async ([a, b]) => (a as Uint8Array).length + (b as Uint8Array).length });
    const [moved, copied] = [new Uint8Array(1000), new Uint8Array(10)];
    expect(await page.call("sum", [moved, copied], { transfer: [moved.buffer] })).toBe(1010);
    expect([moved.length, copied.length]).toEqual([0, 10]);
  });

  it("tells how far it is, ten times a second at most", async () => {
    const { page } = linked({
      async read(_, { onProgress }) {
        const begun = performance.now();
        for (let bytes = 1; performance.now() < begun + 350; bytes++) {
          onProgress({ bytes, totalBytes: 1e9 });
          if (bytes % 1000 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
        }
        return performance.now() - begun;
      },
    });
    const told: Progress[] = [];
    const took = await page.call("read", [], { onProgress: (progress) => told.push(progress) });
    expect(told.length).toBeGreaterThan(0);
    // At the beginning, too.
    expect(told.length).toBeLessThanOrEqual(1 + (took as number) / 100);
    expect(told[0]).toEqual({ bytes: expect.any(Number), totalBytes: 1e9 });
  });
});

describe("abort", () => {
  it("rejects at once with the reason, and reaches the service", async () => {
    let reached = false;
    const { page } = linked({
      wait: (_, { signal }) => {
        signal.addEventListener("abort", () => {
          reached = true;
        });
        return forever(signal);
      },
      other: async () => "still here",
    });
    const controller = new AbortController();
    const waiting = page.call("wait", [], controller);
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(waiting).rejects.toBe(reason);
    expect(await page.call("other", [])).toBe("still here");
    expect(reached).toBe(true);
    await expect(page.call("other", [], controller)).rejects.toBe(reason);
  });

  it("of one call leaves others alone", async () => {
    let finish = (): void => {};
    const { page } = linked({
      wait: (_, { signal }) =>
        Promise.race([forever(signal), new Promise<string>((resolve) => (finish = () => resolve("done")))]),
      now: async () => null,
    });
    const [one, other] = [new AbortController(), new AbortController()];
    const leaving = page.call("wait", [], one);
    const staying = page.call("wait", [], other);
    one.abort("gone");
    await expect(leaving).rejects.toBe("gone");
    await page.call("now", []);
    finish();
    expect(await staying).toBe("done");
  });
});

describe("an error", () => {
  it("keeps its code and message", async () => {
    const { page } = linked({
      known: async () => {
        throw new LazyImageError("ERR_TRUNCATED", "too short");
      },
      unknown: async () => {
        throw new TypeError("a bug");
      },
      // Its code is a number.
      foreign: async () => {
        throw new DOMException("no", "DataError");
      },
      // What cannot be sent is no reason to wait forever.
      function: async () => () => {},
    });
    await expect(page.call("known", [])).rejects.toMatchObject({
      name: "LazyImageError",
      code: "ERR_TRUNCATED",
      message: "too short",
    });
    await expect(page.call("unknown", [])).rejects.toMatchObject({ code: "ERR_INTERNAL", message: "a bug" });
    await expect(page.call("foreign", [])).rejects.toMatchObject({ code: "ERR_INTERNAL", message: "no" });
    await expect(page.call("function", [])).rejects.toMatchObject({ code: "ERR_INTERNAL" });
    await expect(page.call("nothing", [])).rejects.toMatchObject({ code: "ERR_INTERNAL" });
    await expect(page.call("known", [() => {}])).rejects.toThrow();
  });

  it("that comes back is the object that it was, with its code on the way", async () => {
    const codes: unknown[] = [];
    const thrown: unknown[] = [new LazyImageError("ERR_HTTP", "down"), new TypeError("odd"), "text"];
    const { page, worker } = linked(
      {
        async read([n]) {
          try {
            return await worker.call("source", [n]);
          } catch (error) {
            codes.push((error as LazyImageError).code);
            throw error;
          }
        },
      },
      {
        source: async ([n]) => {
          throw thrown[n as number];
        },
      },
    );
    for (const n of thrown.keys()) await expect(page.call("read", [n])).rejects.toBe(thrown[n]);
    expect(codes).toEqual(["ERR_HTTP", "ERR_INTERNAL", "ERR_INTERNAL"]);
  });

  it("that comes back very late is still one of its code and message", async () => {
    let first: unknown;
    const { page, worker } = linked(
      {
        async read([isLast]) {
          const error = await worker.call("source", []).catch((reason: unknown) => reason);
          first ??= error;
          if (isLast === true) throw first;
        },
      },
      {
        source: async () => {
          throw new LazyImageError("ERR_CHANGED", "changed");
        },
      },
    );
    for (let n = 0; n < 20; n++) await page.call("read", [false]);
    await expect(page.call("read", [true])).rejects.toMatchObject({
      code: "ERR_CHANGED",
      message: "changed",
    });
  });
});

it("closing rejects what waits and what comes, and aborts what is served", async () => {
  let aborted: unknown;
  const { page, worker } = linked({
    wait: (_, { signal }) => {
      signal.addEventListener("abort", () => {
        aborted = signal.reason;
      });
      return forever(signal);
    },
    now: async () => "now",
  });
  const waiting = page.call("wait", []);
  await page.call("now", []);
  worker.close("the Worker ends");
  expect(aborted).toBe("the Worker ends");
  page.close("the page ends");
  await expect(waiting).rejects.toBe("the page ends");
  await expect(page.call("now", [])).rejects.toBe("the page ends");
});
