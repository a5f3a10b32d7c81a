import { readFileSync } from "node:fs";
import { crc32, createZstdDecoder, type ZstdDecoder } from "@lazyimg/codecs";
import { isLazyImageError } from "@lazyimg/core";
import Zstd from "numcodecs/zstd";
import { beforeAll, describe, expect, it } from "vitest";

interface Fixture {
  readonly name: string;
  readonly length: number;
  readonly size: number;
  readonly crc32: number;
}

/** Written by tools/make-zstd-fixtures.py with libzstd. */
const file = readFileSync(new URL("data/zstd.bin", import.meta.url));
const tocEnd = file.indexOf(10);
let at = tocEnd + 1;
const fixtures = (JSON.parse(file.toString("utf8", 0, tocEnd)) as Fixture[]).map((fixture) => {
  at += fixture.length;
  return { ...fixture, encoded: new Uint8Array(file.subarray(at - fixture.length, at)) };
});
const named = (name: string): Uint8Array => fixtures.find((fixture) => fixture.name === name)!.encoded;

let decoder: ZstdDecoder;
beforeAll(() => {
  decoder = createZstdDecoder()!;
});

function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
}

/** What decoding gives, or the code of the error. */
function attempt(bytes: Uint8Array, room: number): Uint8Array | string {
  try {
    return decoder.decode(bytes, room);
  } catch (error) {
    if (!isLazyImageError(error)) throw error;
    return error.code;
  }
}

const frame = (...bytes: number[]): Uint8Array => Uint8Array.from([0x28, 0xb5, 0x2f, 0xfd, ...bytes]);

/** The first `stop` bytes of a chunk, decoded no further than they need. */
function beginning(bytes: Uint8Array, size: number, stop: number): Uint8Array | string {
  try {
    decoder.reserve(stop);
    decoder.load(bytes, size, stop);
    decoder.gather(
      [{ first: 0, counts: [stop, 1, 1], strides: [0, 0], output: 0, outputStrides: [0, 0] }],
      1,
    );
    return decoder.output().slice();
  } catch (error) {
    if (!isLazyImageError(error)) throw error;
    return error.code;
  }
}

describe("the beginning of a chunk", () => {
  it.each(fixtures.filter(({ size }) => size > 0))("$name", ({ encoded, size }) => {
    const whole = decoder.decode(encoded, size);
    for (const stop of new Set([1, Math.ceil(size / 2), size])) {
      expect(Buffer.compare(whole.subarray(0, stop), beginning(encoded, size, stop) as Uint8Array)).toBe(0);
    }
  });

  it("needs nothing of the blocks behind it, unless a checksum covers them", () => {
    // Two stored blocks of a byte each.
    const cut = frame(0x20, 2, 8, 0, 0, 5, 9, 0);
    expect(beginning(cut, 2, 1)).toEqual(Uint8Array.of(5));
    expect(beginning(cut, 2, 2)).toBe("ERR_TRUNCATED");
    expect(beginning(cut, 3, 1)).toBe("ERR_TRUNCATED");
    const unchecked = frame(0x24, 2, 8, 0, 0, 5, 9, 0, 0, 6, 1, 2, 3, 4);
    expect(beginning(unchecked, 2, 1)).toBe("ERR_CHECKSUM");
  });
});

describe("frames of libzstd", () => {
  it.each(fixtures)("$name", ({ encoded, size, crc32: expected }) => {
    const decoded = decoder.decode(encoded, size);
    expect(decoded.length).toBe(size);
    expect(crc32(decoded)).toBe(expected);
    // Straight into an output area, whose other bytes stay, at any place.
    decoder.reserve(size + 100);
    decoder.output().fill(171);
    decoder.decodeTo(encoded, size, 33);
    const output = decoder.output();
    expect(crc32(output.subarray(33, 33 + size))).toBe(expected);
    expect(output.subarray(0, 33).every((byte) => byte === 171)).toBe(true);
    if (size > 0) expect(attempt(encoded, size - 1)).toBe("ERR_CORRUPT");
    expect(decoder.decode(encoded, size + 1).length).toBe(size);
  });

  it("is what an encoder made at every level, of every length around the edges", async () => {
    const random = randomFrom(5);
    const make: Record<string, (n: number) => number> = {
      random: () => random() * 256,
      skewed: () => 256 * random() ** 9,
      volume: (n) => (n % 2 === 0 ? 80 + 40 * Math.sin(n / 900) + 6 * random() : n % 4096 < 2000 ? 3 : 4),
      runs: (n) => (n >> 9) * 7,
      bits: () => (random() < 0.03 ? 1 : 0),
    };
    for (const [kind, byteAt] of Object.entries(make)) {
      for (const size of [9, 100, 1023, 4097, 131_071, 131_073, 300_001]) {
        const data = Uint8Array.from({ length: size }, (_, n) => byteAt(n));
        for (const level of size > 5000 ? [-3, 1, 6] : [-20, -1, 1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 17, 19]) {
          const encoded = await Zstd.fromConfig({ id: "zstd", level }).encode(data);
          const found = attempt(encoded, size);
          expect(Buffer.compare(data, found as Uint8Array), `${kind}, ${size} bytes, level ${level}`).toBe(0);
        }
      }
    }
  }, 60_000);
});

describe("what is not right", () => {
  it("is refused with what is wrong", () => {
    expect(attempt(new Uint8Array(0), 10)).toBe("ERR_CORRUPT");
    expect(attempt(new Uint8Array(40), 10)).toBe("ERR_CORRUPT");
    // A dictionary's number, of 1, 2 and 4 bytes; no number is no dictionary.
    expect(attempt(frame(0x21, 7, 0, 1, 0, 0), 10)).toBe("ERR_UNSUPPORTED");
    expect(attempt(frame(0x22, 0, 7, 0, 1, 0, 0), 10)).toBe("ERR_UNSUPPORTED");
    expect(attempt(frame(0x23, 0, 0, 0, 7, 0, 1, 0, 0), 10)).toBe("ERR_UNSUPPORTED");
    expect(attempt(frame(0x21, 0, 0, 1, 0, 0), 10)).toHaveLength(0);
    // Reserved: a bit of the descriptor, a type of block.
    expect(attempt(frame(0x28, 0, 1, 0, 0), 10)).toBe("ERR_CORRUPT");
    expect(attempt(frame(0x20, 0, 7, 0, 0), 10)).toBe("ERR_CORRUPT");
    // One byte is promised, none is there.
    expect(attempt(frame(0x20, 1, 1, 0, 0), 10)).toBe("ERR_CORRUPT");
    const encoded = named("text, level 1, checksum");
    const wrong = encoded.slice();
    wrong[wrong.length - 1]! ^= 1;
    expect(attempt(wrong, 30_000)).toBe("ERR_CHECKSUM");
    expect(attempt(Buffer.concat([encoded, new Uint8Array(5)]), 30_000)).toBe("ERR_CORRUPT");
  });

  it("is truncated at any length", () => {
    for (const name of ["text, level 1, checksum", "size 700, level 3", "two frames", "volume, flushed"]) {
      const encoded = named(name);
      const step = Math.max(1, encoded.length >> 9);
      for (let length = 4; length < encoded.length; length += step) {
        const found = attempt(encoded.subarray(0, length), 1 << 20);
        // Between two frames is an end.
        if (name === "two frames" && length === encoded.length / 2) expect(found).toHaveLength(700);
        else expect(found, `${name}, ${length} bytes`).toBe("ERR_TRUNCATED");
      }
    }
  });

  it("takes no memory for what cannot be there", () => {
    const huge = frame(0xe0, 0, 0, 0, 0, 0, 0, 0, 0x40, 1, 0, 0);
    expect(attempt(huge, 2 ** 31 - 1)).toBe("ERR_CORRUPT");
    expect(() => decoder.load(huge, 2 ** 31 - 1)).toThrow(/cannot hold/);
    expect(() => decoder.load(huge, 2 ** 40)).toThrow(/cannot hold/);
  });

  it("never does anything else, and agrees with libzstd, whatever bits are flipped", () => {
    // As in tools/make-zstd-fixtures.py, which asked libzstd.
    const verdicts = JSON.parse(readFileSync(new URL("data/zstd-damaged.json", import.meta.url), "utf8")) as (
      | number
      | null
    )[];
    let state = 11;
    const next = (): number => {
      state = (Math.imul(state, 1664525) + 1013904223) | 0;
      return state >>> 8;
    };
    const small = fixtures.filter(({ size, length }) => size > 0 && size <= 50_000 && length < 20_000);
    let stricter = 0;
    for (const [n, expected] of verdicts.entries()) {
      const { name, encoded, size } = small[next() % small.length]!;
      const bytes = encoded.slice();
      for (let flips = 1 + (next() % 3); flips > 0; flips--) {
        const where = next() % 10;
        const number = next();
        const place = where < 5 ? number % 60 : where < 7 ? bytes.length - 1 - (number % 40) : number;
        const at = ((place % bytes.length) + bytes.length) % bytes.length;
        bytes[at]! ^= 1 << (next() % 8);
      }
      const found = attempt(bytes, size);
      if (typeof found === "string" && expected !== null) stricter++;
      else expect(typeof found === "string" ? null : crc32(found), `${name}, turn ${n}`).toBe(expected);
    }
    expect(verdicts.filter((verdict) => verdict !== null).length).toBeGreaterThan(500);
    // libzstd's fastest loops do not look whether the bits of a Huffman stream end with its symbols; RFC 8878 says they do.
    expect(stricter).toBeLessThan(verdicts.length / 100);
  });
});

it("copies boxes of a chunk as they are", () => {
  const encoded = named("volume, level 1");
  const whole = decoder.decode(encoded, 140_000).slice();
  for (const elementSize of [1, 2, 4, 8, 16]) {
    const [n0, n1, n2] = [5, 7, 3] as const;
    const [s1, s2] = [50, 700] as const;
    decoder.reserve(n0 * n1 * n2 * elementSize + 9);
    decoder.load(encoded, 140_000);
    const row = n0 * elementSize;
    decoder.gather(
      [{ first: 11, counts: [n0, n1, n2], strides: [s1, s2], output: 9, outputStrides: [row, row * n1] }],
      elementSize,
    );
    const output = decoder.output();
    for (let z = 0; z < n2; z++) {
      for (let y = 0; y < n1; y++) {
        const from = (11 + z * s2 + y * s1) * elementSize;
        const to = 9 + (z * n1 + y) * row;
        expect(output.subarray(to, to + row)).toEqual(whole.subarray(from, from + row));
      }
    }
    const outside = {
      first: 140_000,
      counts: [1, 1, 1],
      strides: [1, 1],
      output: 0,
      outputStrides: [1, 1],
    } as const;
    expect(() => decoder.gather([outside], elementSize)).toThrow(/beyond/);
  }
});
