import { isByteSource } from "@lazyimg/core";
import { countingSource } from "@lazyimg/testkit";
import { expect, test } from "vitest";

const bytes = Uint8Array.from({ length: 10_000 }, (_, n) => n % 251);

test("bytes, requests and ranges are counted as they are delivered", async () => {
  const source = countingSource(bytes);
  expect(isByteSource(source)).toBe(true);
  expect(await source.size()).toBe(10_000);
  expect(source.requests).toBe(0);
  expect(await source.read(10, 5)).toEqual(bytes.slice(10, 15));
  expect(await source.read(9_990, 100)).toEqual(bytes.slice(9_990));
  expect(source).toMatchObject({ bytes: 15, requests: 2 });
  expect(source.ranges).toEqual([
    { offset: 10, length: 5 },
    { offset: 9_990, length: 100 },
  ]);
  source.reset();
  expect(source).toMatchObject({ bytes: 0, requests: 0, ranges: [] });
});

test("a stream counts what was taken from it", async () => {
  const source = countingSource(bytes);
  const pieces: Uint8Array[] = [];
  for await (const piece of source.stream(100, Number.POSITIVE_INFINITY)) {
    pieces.push(piece);
    if (pieces.length === 2) break;
  }
  const taken = pieces.reduce((sum, { length }) => sum + length, 0);
  expect(source).toMatchObject({ requests: 1, bytes: taken });
  expect(taken).toBeLessThan(bytes.length);
  expect(Buffer.concat(pieces)).toEqual(Buffer.from(bytes.subarray(100, 100 + taken)));
});

test("into is filled and its beginning returned", async () => {
  const into = new Uint8Array(8);
  const result = await countingSource(bytes).read(9_997, 8, { into });
  expect(result.buffer).toBe(into.buffer);
  expect([...result]).toEqual([...bytes.slice(9_997)]);
});

test("what is read is the caller's own", async () => {
  const source = countingSource(bytes);
  (await source.read(0, 4)).fill(255);
  expect(await source.read(0, 4)).toEqual(bytes.slice(0, 4));
});

test("a hold keeps reads waiting until it is released", async () => {
  const source = countingSource(bytes);
  const hold = source.hold();
  let done = false;
  const read = source.read(0, 4).then(() => {
    done = true;
  });
  await hold.reached;
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(done).toBe(false);
  expect(source).toMatchObject({ requests: 1, bytes: 0 });
  hold.release();
  await read;
  expect(source.bytes).toBe(4);
  await source.read(0, 4);
});

test("an abort ends a held read with the signal's reason, and no other", async () => {
  const source = countingSource(bytes);
  const hold = source.hold();
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = [
    source.read(0, 4, { signal }),
    source.stream(0, 4, { signal })[Symbol.asyncIterator]().next(),
  ];
  const other = source.read(4, 4);
  const reason = { why: "enough" };
  controller.abort(reason);
  for (const read of aborted) await expect(read).rejects.toBe(reason);
  hold.release();
  expect(await other).toEqual(bytes.slice(4, 8));
  await expect(source.read(0, 4, { signal })).rejects.toBe(reason);
});

test("a stream that was begun before is held up, too", async () => {
  const source = countingSource(new Uint8Array(20_000));
  const controller = new AbortController();
  const pieces = source.stream(0, 20_000, { signal: controller.signal })[Symbol.asyncIterator]();
  await pieces.next();
  const { bytes } = source;
  const hold = source.hold();
  const next = pieces.next();
  await hold.reached;
  expect(source).toMatchObject({ bytes, requests: 1 });
  controller.abort("enough");
  await expect(next).rejects.toBe("enough");
  hold.release();
});

test("the source inside is closed, told about and asked", async () => {
  const asked: unknown[] = [];
  const inner = {
    ...countingSource(bytes),
    name: "scan.nii",
    gap: 77,
    version: async () => "v1",
    cost: (offset: number, length: number) => ({ bytes: length, requests: offset, peakBytes: 3 }),
    close: async () => void asked.push("close"),
  };
  const source = countingSource(inner);
  expect(source).toMatchObject({ name: "scan.nii", gap: 77, closed: false });
  expect(await source.version!()).toBe("v1");
  expect(source.cost!(1, 2)).toEqual({ bytes: 2, requests: 1, peakBytes: 3 });
  await source.close!();
  expect(source.closed).toBe(true);
  expect(asked).toEqual(["close"]);
});

test("after closing, reads of a file in memory reject with ERR_CLOSED", async () => {
  const source = countingSource(bytes);
  await source.close!();
  await expect(source.read(0, 1)).rejects.toMatchObject({ code: "ERR_CLOSED" });
});
