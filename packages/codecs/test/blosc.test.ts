import {
  createBloscDecoder,
  createBloscEncoder,
  plainBloscKernel,
  readBloscFrame,
  supportsFrame,
} from "@lazyimg/codecs";
import Blosc from "numcodecs/blosc";
import { describe, expect, test } from "vitest";

// c-blosc itself, compiled by others, says what is right: numcodecs in WebAssembly.
const codec = (options: { shuffle?: number; blocksize?: number; cname?: string }) =>
  Blosc.fromConfig({ id: "blosc", cname: "lz4", clevel: 5, ...options } as never);

/** Smooth numbers, noise, zeros, repeats. */
function content(kind: number, length: number): Uint8Array {
  let seed = 7;
  return Uint8Array.from({ length }, (_, n) => {
    seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
    if (kind === 0) return (n % 2 === 0 ? n >> 4 : 0) & 255;
    if (kind === 1) return (seed >> 16) & 255;
    if (kind === 2) return 0;
    return [1, 2, 3, 4, 5][n % 5]! + (n % 997 === 0 ? 1 : 0);
  });
}

const kernels = { WebAssembly: undefined, TypeScript: plainBloscKernel } as const;

describe.each(Object.entries(kernels))("%s", (_, kernel) => {
  const decoder = createBloscDecoder(kernel?.());

  describe.each([0, 1, 2, 3])("content %d", (kind) => {
    test.each([1, 2, 15, 16, 17, 255, 4096, 100_001, 600_000])("%d bytes from c-blosc", async (length) => {
      const bytes = content(kind, length);
      for (const shuffle of [0, 1, 2]) {
        for (const blocksize of [0, 1024]) {
          const encoded = await codec({ shuffle, blocksize }).encode(bytes);
          expect(Buffer.compare(decoder.decode(encoded), bytes)).toBe(0);
        }
      }
    });
  });

  test.each([1, 2, 3, 4, 8, 16, 17, 255])(
    "type size %d: what the encoder writes is read, here and by c-blosc",
    async (typeSize) => {
      const encoder = createBloscEncoder(kernel?.());
      for (const kind of [0, 1, 2, 3]) {
        for (const length of [0, 1, 100, 5000, 300_000]) {
          const bytes = content(kind, length);
          const encoded = encoder.encode(bytes, { typeSize });
          expect(encoded.length).toBeLessThanOrEqual(length + 16);
          expect(Buffer.compare(decoder.decode(encoded), bytes)).toBe(0);
          if (length > 0) expect(Buffer.compare(await codec({}).decode(encoded), bytes)).toBe(0);
        }
      }
    },
  );

  test("boxes of a chunk are the rows of the whole", () => {
    const encoder = createBloscEncoder(kernel?.());
    const [nz, ny, nx] = [20, 30, 50];
    for (const size of [1, 2, 4, 8, 3]) {
      const bytes = content(0, nz * ny * nx * size);
      const encoded = encoder.encode(bytes, { typeSize: size });
      const frame = readBloscFrame(encoded);
      for (const [z, y, x, dz, dy, dx] of [
        [0, 0, 0, nz, ny, nx],
        [3, 4, 5, 6, 7, 33],
        [19, 29, 49, 1, 1, 1],
        [7, 0, 20, 1, ny, 17],
      ] as const) {
        const first = (z * ny + y) * nx + x;
        const last = ((z + dz - 1) * ny + y + dy - 1) * nx + x + dx;
        decoder.reserve(dz * dy * dx * size);
        decoder.load(encoded, frame, size, first, last);
        const box = {
          first,
          counts: [dx, dy, dz],
          strides: [nx, nx * ny],
          output: 0,
          outputStrides: [dx * size, dx * dy * size],
        } as const;
        decoder.gather([box], size);
        const found = decoder.output().slice();
        const wanted = new Uint8Array(found.length);
        for (let k = 0, to = 0; k < dz; k++) {
          for (let j = 0; j < dy; j++, to += dx * size) {
            const from = (((z + k) * ny + y + j) * nx + x) * size;
            wanted.set(bytes.subarray(from, from + dx * size), to);
          }
        }
        expect(Buffer.compare(found, wanted)).toBe(0);
      }
    }
  });

  test("damage gives an error or bytes, and nothing else", async () => {
    const whole = await codec({ shuffle: 1, blocksize: 2048 }).encode(content(0, 20_000));
    let seed = 3;
    const random = (most: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff;
      return (seed >> 8) % most;
    };
    for (let n = 0; n < 2000; n++) {
      const bytes = whole.slice(0, n % 3 === 0 ? random(whole.length) : whole.length);
      for (let m = 0; m < 1 + random(6); m++) if (bytes.length > 0) bytes[random(bytes.length)] = random(256);
      try {
        const frame = readBloscFrame(bytes);
        if (supportsFrame(frame) && frame.size < 1 << 24)
          expect(decoder.decode(bytes, frame)).toHaveLength(frame.size);
      } catch (error) {
        expect((error as Error).name).toBe("LazyImageError");
      }
    }
  });

  test("a box that reaches out of its chunk or output is refused", () => {
    const encoded = createBloscEncoder().encode(new Uint8Array(100), { typeSize: 1 });
    decoder.reserve(10);
    decoder.load(encoded, readBloscFrame(encoded), 1, 0, 100);
    const box = { first: 95, counts: [10, 1, 1], strides: [1, 1], output: 0, outputStrides: [1, 1] } as const;
    expect(() => decoder.gather([box], 1)).toThrow(/beyond/);
    expect(() => decoder.gather([{ ...box, first: 0, output: 5 }], 1)).toThrow(/beyond/);
  });
});

test.each([
  ["too short", new Uint8Array(15)],
  [
    "a version of the future",
    Uint8Array.from([9, 1, 33, 1, 4, 0, 0, 0, 4, 0, 0, 0, 20, 0, 0, 0, 0, 0, 0, 0]),
  ],
  [
    "a size that LZ4 cannot reach",
    Uint8Array.from([
      2, 1, 33, 1, 255, 255, 255, 127, 255, 255, 255, 127, 24, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
    ]),
  ],
])("a frame with %s is refused", (_, bytes) => {
  expect(() => readBloscFrame(bytes)).toThrow(/Blosc|blosc/);
});
