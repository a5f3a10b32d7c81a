import { bytesSource, cached, coalescing } from "@lazyimg/byte-source";
import type { ByteReadOptions, ByteSource } from "@lazyimg/core";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { pattern, same, sleep, until } from "./server.js";

const body = pattern(1_000_003);

/** A source that counts what reaches it, and answers when it is let. */
interface Counted extends ByteSource {
  readonly reads: [offset: number, length: number][];
  readonly aborted: unknown[];
  closes: number;
  fail: Error | undefined;
  delay: number;
  /** What reads wait for before they are answered. */
  gate: Promise<void> | undefined;
}

/** Holds reads up until `open` is called. */
function hold(source: Counted): { open(): void } {
  let open = (): void => {};
  source.gate = new Promise((resolve) => {
    open = resolve;
  });
  return { open };
}

function counted(): Counted {
  const inner = bytesSource(body, { name: "scan.nii" });
  const source: Counted = {
    ...inner,
    gap: 1000,
    reads: [],
    aborted: [],
    closes: 0,
    fail: undefined,
    delay: 5,
    gate: undefined,
    async read(offset: number, length: number, { signal, into }: ByteReadOptions = {}) {
      source.reads.push([offset, length]);
      signal?.addEventListener("abort", () => source.aborted.push(signal.reason));
      await sleep(source.delay);
      await source.gate;
      if (source.fail) throw source.fail;
      return inner.read(offset, length, { signal, into });
    },
    async close() {
      source.closes++;
    },
  };
  return source;
}

describe("cached", () => {
  test("loads a block once, and shares it while it loads", async () => {
    const source = counted();
    const cache = cached(source, { blockSize: 1000, maxBytes: 10_000 });
    const reads = await Promise.all([cache.read(10, 20), cache.read(900, 50), cache.read(999, 1)]);
    expect(same(reads[0], body.subarray(10, 30))).toBe(true);
    expect(same(reads[1], body.subarray(900, 950))).toBe(true);
    expect(same(reads[2], body.subarray(999, 1000))).toBe(true);
    await cache.read(500, 500);
    expect(source.reads).toEqual([[0, 1000]]);
  });

  test("loads neighbours that are missing in one read, and only those", async () => {
    const source = counted();
    const cache = cached(source, { blockSize: 1000, maxBytes: 10_000 });
    await cache.read(2000, 10);
    expect(same(await cache.read(500, 3400), body.subarray(500, 3900))).toBe(true);
    expect(source.reads).toEqual([
      [2000, 1000],
      [0, 2000],
      [3000, 1000],
    ]);
  });

  test("keeps no more than its bound, the most recently used", async () => {
    const source = counted();
    const cache = cached(source, { blockSize: 1000, maxBytes: 3000 });
    for (const offset of [0, 1000, 2000]) await cache.read(offset, 1);
    await cache.read(0, 1); // used again: 1000 is the oldest now
    await cache.read(3000, 1);
    expect(source.reads).toHaveLength(4);
    await cache.read(0, 1);
    expect(source.reads).toHaveLength(4);
    await cache.read(1000, 1);
    expect(source.reads.at(-1)).toEqual([1000, 1000]);
  });

  test("large reads and streams go past it", async () => {
    const source = counted();
    const cache = cached(source, { blockSize: 1000, maxBytes: 3000 });
    await cache.read(0, 1);
    const into = new Uint8Array(50_000);
    expect((await cache.read(0, 50_000, { into })).buffer).toBe(into.buffer);
    expect(same(into, body.subarray(0, 50_000))).toBe(true);
    expect(source.reads.at(-1)).toEqual([0, 50_000]);
    await cache.read(0, 1);
    expect(source.reads).toHaveLength(2);
    for await (const piece of cache.stream(5, 10)) expect(same(piece, body.subarray(5, 15))).toBe(true);
  });

  test("what it gives is the caller's own", async () => {
    const cache = cached(counted(), { blockSize: 1000 });
    const first = await cache.read(0, 1000);
    first.fill(0);
    expect(same(await cache.read(0, 1000), body.subarray(0, 1000))).toBe(true);
  });

  test("ends where its source does", async () => {
    const cache = cached(counted(), { blockSize: 1000 });
    expect(same(await cache.read(body.length - 10, 100), body.subarray(-10))).toBe(true);
    expect(same(await cache.read(body.length - 10, 3000), body.subarray(-10))).toBe(true);
    for (const offset of [body.length, body.length + 5, body.length + 10_000]) {
      expect(await cache.read(offset, 100)).toHaveLength(0);
    }
    expect(await cache.read(5, 0)).toHaveLength(0);
    expect(await cache.size()).toBe(body.length);
    expect(cache.name).toBe("scan.nii");
  });

  test("a load dies with its last reader, never with its first", async () => {
    const source = counted();
    const gate = hold(source);
    const cache = cached(source, { blockSize: 1000 });
    const [a, b, c] = [new AbortController(), new AbortController(), new AbortController()];
    const first = cache.read(0, 10, { signal: a.signal });
    const second = cache.read(10, 10, { signal: b.signal });
    const outcomes = Promise.allSettled([first, second]);
    a.abort("a");
    await sleep(5);
    expect(source.aborted).toEqual([]);
    gate.open();
    expect(await outcomes).toMatchObject([{ reason: "a" }, { value: body.subarray(10, 20) }]);

    const third = cache.read(5000, 10, { signal: a.signal });
    await expect(third).rejects.toBe("a");
    expect(source.reads).toHaveLength(1);
    const fourth = cache.read(5000, 10, { signal: c.signal });
    c.abort("c");
    await expect(fourth).rejects.toBe("c");
    expect(source.aborted).toEqual(["c"]);
    // What nobody waits for any more is not what a newcomer gets.
    expect(same(await cache.read(5000, 10), body.subarray(5000, 5010))).toBe(true);
  });

  test("a failed load is not kept", async () => {
    const source = counted();
    const cache = cached(source, { blockSize: 1000 });
    source.fail = new Error("broken");
    const outcomes = await Promise.allSettled([cache.read(0, 10), cache.read(10, 10)]);
    expect(outcomes.map((one) => one.status)).toEqual(["rejected", "rejected"]);
    expect(source.reads).toHaveLength(1);
    source.fail = undefined;
    expect(same(await cache.read(0, 10), body.subarray(0, 10))).toBe(true);
  });

  test("closes its source, and keeps nothing", async () => {
    const source = counted();
    const cache = cached(source);
    await cache.read(0, 10);
    await cache.close?.();
    expect(source.closes).toBe(1);
    await expect(cache.read(0, 10)).rejects.toMatchObject({ code: "ERR_CLOSED" });
  });

  test("tells what a read costs underneath", () => {
    const cache = cached(counted(), { blockSize: 1000 });
    expect(cache.cost?.(900, 200)).toEqual({ bytes: 2000, requests: 1, peakBytes: 2200 });
    expect(cache.cost?.(900, 200_000)).toEqual({ bytes: 200_000, requests: 1, peakBytes: 200_000 });
  });
});

describe("coalescing", () => {
  test("merges what is asked for together and lies close", async () => {
    const source = counted();
    const merged = coalescing(source);
    const offsets = [5000, 100, 5500, 4990, 8000, 100];
    const reads = await Promise.all(offsets.map((offset) => merged.read(offset, 50)));
    for (const [i, offset] of offsets.entries()) {
      expect(same(reads[i], body.subarray(offset, offset + 50))).toBe(true);
    }
    expect(source.reads).toEqual([
      [100, 50],
      [4990, 560],
      [8000, 50],
    ]);
  });

  test("keeps to its gap: planes that lie far apart stay apart", async () => {
    const source = counted();
    const merged = coalescing(source, { gap: 896 });
    await Promise.all([merged.read(0, 128), merged.read(128 + 896, 128), merged.read(1152 + 897, 128)]);
    expect(source.reads).toEqual([
      [0, 1152],
      [2049, 128],
    ]);
  });

  test("merges callers that are not at quite the same depth", async () => {
    const source = counted();
    const merged = coalescing(source);
    const deeper = async (depth: number): Promise<Uint8Array> => {
      for (let i = 0; i < depth; i++) await undefined;
      return merged.read(depth * 100, 10);
    };
    await Promise.all([deeper(0), deeper(1), deeper(3)]);
    expect(source.reads).toEqual([[0, 310]]);
  });

  test("reads into the caller's memory, merged or not; results are the caller's own", async () => {
    const merged = coalescing(counted());
    const into = new Uint8Array(100);
    const [a, b, c] = await Promise.all([
      merged.read(10, 50, { into }),
      merged.read(20, 50),
      merged.read(20, 50),
    ]);
    expect(a.buffer).toBe(into.buffer);
    expect(same(a, body.subarray(10, 60))).toBe(true);
    b.fill(0);
    expect(same(c, body.subarray(20, 70))).toBe(true);
    expect((await merged.read(10, 50, { into })).buffer).toBe(into.buffer);
  });

  test("ends where its source does", async () => {
    const merged = coalescing(counted());
    const [a, b, c] = await Promise.all([
      merged.read(body.length - 10, 100),
      merged.read(body.length - 20, 10),
      merged.read(body.length + 50, 10),
    ]);
    expect(same(a, body.subarray(-10))).toBe(true);
    expect(same(b, body.subarray(-20, -10))).toBe(true);
    expect(c).toHaveLength(0);
  });

  test("a merged read dies with its last reader, never with its first", async () => {
    const source = counted();
    const gate = hold(source);
    const merged = coalescing(source);
    const [a, b] = [new AbortController(), new AbortController()];
    const outcomes = Promise.allSettled([
      merged.read(0, 10, { signal: a.signal }),
      merged.read(20, 10, { signal: b.signal }),
    ]);
    await until(() => source.reads.length === 1);
    a.abort("a");
    await sleep(1);
    expect(source.aborted).toEqual([]);
    b.abort("b");
    expect(await outcomes).toMatchObject([{ reason: "a" }, { reason: "b" }]);
    gate.open();
    expect(source.aborted).toEqual(["b"]);
  });

  test("one that aborts before it is read takes nobody along", async () => {
    const source = counted();
    const merged = coalescing(source);
    const a = new AbortController();
    const first = merged.read(0, 10, { signal: a.signal });
    const second = merged.read(20, 10);
    a.abort("a");
    await expect(first).rejects.toBe("a");
    expect(same(await second, body.subarray(20, 30))).toBe(true);
    expect(source.reads).toEqual([[20, 10]]);
  });

  test("a failure reaches all who share it, and large reads pass by", async () => {
    const source = counted();
    const merged = coalescing(source);
    await Promise.all([merged.read(0, 1 << 20), merged.read(0, 10)]);
    expect(source.reads).toContainEqual([0, 1 << 20]);
    source.fail = new Error("broken");
    const outcomes = await Promise.allSettled([merged.read(0, 10), merged.read(20, 10)]);
    expect(outcomes.map((one) => one.status)).toEqual(["rejected", "rejected"]);
  });
});

test("any reads through both layers are what the bytes are, in bounded memory", async () => {
  const read = fc.record({
    offset: fc.integer({ min: 0, max: body.length + 100 }),
    length: fc.oneof(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 20_000 })),
    abort: fc.option(fc.integer({ min: 0, max: 4 }), { freq: 3 }),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.array(read, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 5000 }),
      async (reads, blockSize) => {
        const source = counted();
        source.delay = 1;
        const layered = cached(coalescing(source), { blockSize, maxBytes: 8 * blockSize });
        await Promise.all(
          reads.map(async ({ offset, length, abort }) => {
            const controller = new AbortController();
            if (abort !== null) setTimeout(() => controller.abort("stop"), abort);
            try {
              const found = await layered.read(offset, length, { signal: controller.signal });
              expect(same(found, body.subarray(offset, offset + length))).toBe(true);
            } catch (error) {
              if (abort === null || error !== "stop") throw error;
            }
          }),
        );
      },
    ),
    { numRuns: 60 },
  );
});
