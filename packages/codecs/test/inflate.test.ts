import * as zlib from "node:zlib";
import { createJsKernel, createWasmKernel, type InflateKernel, Inflater } from "@lazyimg/codecs";
import { isLazyImageError } from "@lazyimg/core";
import { describe, expect, it } from "vitest";

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
}

function sample(size: number): Uint8Array {
  const random = randomFrom(7);
  const smooth = Int16Array.from({ length: size / 4 }, (_, i) => 700 * Math.sin(i / 300) + 20 * random());
  const bytes = new Uint8Array(size);
  bytes.set(new Uint8Array(smooth.buffer));
  for (let i = size * 0.8; i < size; i++) bytes[i] = bytes[i - 1 - Math.floor(random() * 9)]!;
  return bytes;
}

interface Result {
  readonly bytes: Uint8Array;
  readonly crc: number;
  readonly position: number;
  readonly points: { bit: number; produced: number; window: Uint8Array }[];
}

/** Inflates with input in pieces of `size`; `null` where the data end too early. */
function inflate(kernel: InflateKernel, data: Uint8Array, size: number, spacing = 20_000): Result | null {
  const inflater = new Inflater(kernel);
  inflater.reset();
  inflater.start();
  const pieces: Uint8Array[] = [];
  const points: Result["points"] = [];
  let next = spacing;
  let crc = 0;
  for (let at = 0; ; ) {
    const stop = inflater.run(next);
    crc = inflater.crc32(crc);
    pieces.push(inflater.output.slice());
    if (stop === "end") break;
    if (stop === "block") {
      const { bit, produced } = inflater;
      points.push({ bit, produced, window: inflater.window(Math.min(32768, produced)) });
      next = produced + spacing;
    }
    if (stop === "input") {
      if (at === data.length) return null;
      at += inflater.feed(data.subarray(at, at + size));
    }
  }
  return { bytes: Buffer.concat(pieces), crc, position: inflater.position, points };
}

const { Z_DEFAULT_STRATEGY, Z_FILTERED, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = zlib.constants;

it("has a WebAssembly kernel in Node", () => {
  expect(createWasmKernel()?.kind).toBe("wasm");
  expect(new Inflater().kind).toBe("wasm");
});

describe.each([
  ["wasm", () => createWasmKernel()!],
  ["js", createJsKernel],
])("the %s kernel", (_, create) => {
  const raw = sample(400_000);

  it.each([0, 1, 6, 9])("inflates level %i, whatever the pieces", (level) => {
    for (const strategy of [Z_DEFAULT_STRATEGY, Z_FILTERED, Z_HUFFMAN_ONLY, Z_RLE, Z_FIXED]) {
      const data = zlib.deflateRawSync(raw, { level, strategy });
      for (const size of [1 << 20, 4096, 61]) {
        const result = inflate(create(), Buffer.concat([data, Buffer.from("behind")]), size)!;
        expect(Buffer.compare(result.bytes, raw), `strategy ${strategy}, pieces of ${size}`).toBe(0);
        expect(result.crc).toBe(zlib.crc32(raw));
        expect(result.position).toBe(data.length);
      }
    }
  });

  it("takes input byte by byte", () => {
    const data = zlib.deflateRawSync(raw.subarray(0, 60_000));
    expect(Buffer.compare(inflate(create(), data, 1)!.bytes, raw.subarray(0, 60_000))).toBe(0);
  });

  it("copies matches of every short distance", () => {
    for (let distance = 1; distance <= 40; distance++) {
      const bytes = Uint8Array.from({ length: 3000 }, (_, i) => (i % distance) * 5 + 1);
      expect(Buffer.compare(inflate(create(), zlib.deflateRawSync(bytes), 4096)!.bytes, bytes)).toBe(0);
    }
  });

  it("begins again at every block, with its window", () => {
    const data = zlib.deflateRawSync(raw, { memLevel: 3 });
    const { points } = inflate(create(), data, 5000)!;
    expect(points.length).toBeGreaterThan(8);
    expect(new Set(points.map(({ bit }) => bit % 8)).size).toBeGreaterThan(4);
    for (const { bit, produced, window } of points) {
      expect(Buffer.compare(window, raw.subarray(produced - window.length, produced))).toBe(0);
      const inflater = new Inflater(create());
      const first = Math.floor(bit / 8);
      inflater.reset(first, produced);
      inflater.feed(data.subarray(first, first + 200_000));
      inflater.start({ bit, window });
      inflater.run();
      const { output } = inflater;
      expect(output.length).toBeGreaterThan(5000);
      expect(Buffer.compare(output, raw.subarray(produced, produced + output.length))).toBe(0);
    }
  });

  it("refuses a distance that reaches before the beginning", () => {
    // A fixed block: literal "a", then a match of length 3 at distance 2.
    const bits = "1" + "10" + "10010001" + "0000001" + "00001";
    const data = Uint8Array.from({ length: 20 }, (_, at) =>
      Number.parseInt([...bits.slice(at * 8, at * 8 + 8).padEnd(8, "0")].reverse().join(""), 2),
    );
    expect(() => inflate(create(), data, 100)).toThrow(expect.objectContaining({ code: "ERR_CORRUPT" }));
  });

  it("keeps its memory whatever a bomb expands to", () => {
    const data = zlib.deflateRawSync(Buffer.alloc(50_000_000), { level: 9 });
    const inflater = new Inflater(create());
    inflater.reset();
    inflater.start();
    let total = 0;
    for (let at = 0; ; ) {
      const stop = inflater.run();
      total += inflater.output.length;
      expect(inflater.output.length).toBeLessThan(300_000);
      if (stop === "end") break;
      if (stop === "input") at += inflater.feed(data.subarray(at));
    }
    expect(total).toBe(50_000_000);
  });

  it("accepts and refuses what zlib does, over 1500 corruptions", () => {
    const random = randomFrom(99);
    const kernel = create();
    const originals = [1, 6].flatMap((level) =>
      [Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY].map((strategy) =>
        zlib.deflateRawSync(raw.subarray(0, 20_000), { level, strategy, memLevel: 2 }),
      ),
    );
    const seen = { ok: 0, corrupt: 0, short: 0 };
    for (let round = 0; round < 1500; round++) {
      const original = originals[round % originals.length]!;
      let data = Uint8Array.from(original);
      const kind = round % 3;
      const at = Math.floor(random() * (random() < 0.5 ? 200 : data.length));
      if (kind === 0) data[at]! ^= 1 << Math.floor(8 * random());
      else if (kind === 1) data = data.subarray(0, at);
      else data.set(originals[Math.floor(random() * originals.length)]!.subarray(at, at + 50), at);
      let expected: Buffer | null = null;
      try {
        expected = zlib.inflateRawSync(data, { maxOutputLength: 1 << 24 });
      } catch {
        // Refused.
      }
      let found: Result | null = null;
      try {
        found = inflate(kernel, data, 777);
        seen[found === null ? "short" : "ok"]++;
      } catch (error) {
        expect(isLazyImageError(error, "ERR_CORRUPT")).toBe(true);
        seen.corrupt++;
      }
      expect(found === null, `round ${round}`).toBe(expected === null);
      if (found !== null) expect(Buffer.compare(found.bytes, expected!)).toBe(0);
    }
    for (const count of Object.values(seen)) expect(count).toBeGreaterThan(50);
  });
});
