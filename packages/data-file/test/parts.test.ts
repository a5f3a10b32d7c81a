import { bytesSource } from "@lazyimg/byte-source";
import { readTextHeader, within } from "@lazyimg/data-file";
import { countingSource } from "@lazyimg/testkit";
import fc from "fast-check";
import { describe, expect, test } from "vitest";

const content = Uint8Array.from({ length: 500 }, (_, n) => n * 7);

describe("a part of a source", () => {
  test("has the bytes of the part and no others", async () => {
    const numbers = fc.tuple(
      fc.nat(520),
      fc.option(fc.nat(520), { nil: undefined }),
      fc.nat(520),
      fc.nat(520),
    );
    await fc.assert(
      fc.asyncProperty(numbers, async ([offset, length, from, wanted]) => {
        const part = within(bytesSource(content), offset, length);
        const expected = content.slice(offset, offset + (length ?? 500));
        expect(await part.size()).toBe(expected.length);
        expect(await part.read(from, wanted)).toEqual(expected.slice(from, from + wanted));
        const pieces: number[] = [];
        for await (const piece of part.stream(from, wanted % 2 === 0 ? wanted : Number.POSITIVE_INFINITY)) {
          pieces.push(...piece);
        }
        const end = wanted % 2 === 0 ? from + wanted : undefined;
        expect(pieces).toEqual([...expected.slice(from, end)]);
      }),
    );
  });

  test("reads into the caller's memory, refuses what are no ranges, and closes the whole", async () => {
    const whole = countingSource(content);
    const part = within(whole, 100, 50);
    const into = new Uint8Array(20);
    expect((await part.read(40, 20, { into })).buffer).toBe(into.buffer);
    expect(into.subarray(0, 10)).toEqual(content.subarray(140, 150));
    expect(whole.ranges).toEqual([{ offset: 140, length: 10 }]);
    await expect(part.read(-1, 5)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    await expect(part.read(0, Number.NaN)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    await part.close?.();
    expect(whole.closed).toBe(true);
  });

  test("of a source of unknown size has none, and costs what the whole costs there", async () => {
    const whole = {
      ...bytesSource(content),
      size: async () => null,
      cost: (offset: number, length: number) => ({ bytes: offset + length, requests: 1, peakBytes: 7 }),
    };
    const part = within(whole, 100, 50);
    expect(await part.size()).toBe(null);
    expect(part.cost?.(10, 60)).toEqual({ bytes: 150, requests: 1, peakBytes: 7 });
  });
});

describe("a header in text", () => {
  const end = (bytes: Uint8Array): number | null => {
    const at = bytes.indexOf(10);
    return at < 0 ? null : at + 1;
  };
  const file = (length: number) => countingSource(Buffer.from(`${"é".padEnd(length - 2, "x")}\nbehind`));

  test.each([
    [10, [4096]],
    [4096, [4096]],
    [4097, [4096, 32768]],
    [40_000, [4096, 32768, 262144]],
  ])("of %i bytes is read in steps", async (length, steps) => {
    const source = file(length);
    const header = await readTextHeader(source, end, "it");
    expect(header).toEqual({ text: `${"é".padEnd(length - 2, "x")}\n`, length });
    expect(source.ranges).toEqual(steps.map((step) => ({ offset: 0, length: step })));
  });

  test("without an end is ERR_HEADER, after 2 MiB at most", async () => {
    const long = countingSource(new Uint8Array(5_000_000));
    await expect(readTextHeader(long, end, "it")).rejects.toMatchObject({ code: "ERR_HEADER" });
    expect(Math.max(...long.ranges.map(({ length }) => length))).toBe(2 ** 21);
    await expect(readTextHeader(countingSource(content.subarray(0, 1)), end, "it")).rejects.toMatchObject({
      code: "ERR_HEADER",
    });
  });

  test("may end with the file, and its reading be aborted", async () => {
    const whole = (bytes: Uint8Array, isWhole: boolean) => (isWhole ? bytes.length : null);
    expect((await readTextHeader(countingSource(content), whole, "it")).length).toBe(500);
    const signal = AbortSignal.abort("enough");
    await expect(readTextHeader(countingSource(content), whole, "it", { signal })).rejects.toBe("enough");
  });
});
