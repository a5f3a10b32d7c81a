import { Blob as NodeBlob } from "node:buffer";
import { blobSource, bytesSource } from "@lazyimg/byte-source";
import { type ByteSource, isByteSource, isLazyImageError } from "@lazyimg/core";
import { describe, expect, test } from "vitest";
import { collect } from "./outcome.js";
import { pattern, same } from "./server.js";

const body = pattern(3_000_000);
const makers: Record<string, () => ByteSource> = {
  bytesSource: () => bytesSource(body, { name: "scan.nii" }),
  "bytesSource of a Buffer": () => bytesSource(Buffer.from(body), { name: "scan.nii" }),
  "bytesSource of a view": () => {
    const larger = new Uint8Array(body.length + 20);
    larger.set(body, 10);
    return bytesSource(larger.subarray(10, -10), { name: "scan.nii" });
  },
  "bytesSource of shared memory": () => {
    const shared = new Uint8Array(new SharedArrayBuffer(body.length));
    shared.set(body);
    return bytesSource(shared, { name: "scan.nii" });
  },
  blobSource: () => blobSource(new Blob([body]), { name: "scan.nii" }),
  "blobSource of a File": () => blobSource(new File([body], "scan.nii")),
};

async function codeOf(promise: Promise<unknown> | undefined): Promise<unknown> {
  const error = await Promise.resolve(promise).then(
    () => "it resolved",
    (reason: unknown) => reason,
  );
  return isLazyImageError(error) ? error.code : error;
}

for (const [what, make] of Object.entries(makers)) {
  describe(what, () => {
    test("is a byte source with its name and size", async () => {
      const source = make();
      expect(isByteSource(source)).toBe(true);
      expect(source.name).toBe("scan.nii");
      expect(await source.size()).toBe(body.length);
    });

    test("reads ranges, up to its end", async () => {
      const source = make();
      expect(same(await source.read(1_000_001, 70_000), body.subarray(1_000_001, 1_070_001))).toBe(true);
      expect(same(await source.read(body.length - 5, 10), body.subarray(-5))).toBe(true);
      expect(same(await source.read(0, 1e15), body)).toBe(true);
      for (const [offset, length] of [
        [body.length, 5],
        [body.length + 1e9, 5],
        [5, 0],
      ] as const) {
        expect(await source.read(offset, length)).toHaveLength(0);
      }
    });

    test("gives memory that is the caller's, in a buffer that is not shared", async () => {
      const source = make();
      const read = await source.read(10, 100);
      expect(read.buffer).toBeInstanceOf(ArrayBuffer);
      read.fill(0);
      expect(same(await source.read(10, 100), body.subarray(10, 110))).toBe(true);
      expect(body[11]).not.toBe(0);
    });

    test("reads into the caller's memory", async () => {
      const source = make();
      for (const buffer of [new ArrayBuffer(100), new SharedArrayBuffer(100)]) {
        const into = new Uint8Array(buffer, 10, 60);
        const result = await source.read(7, 50, { into });
        expect([result.buffer === buffer, result.byteOffset, result.length]).toEqual([true, 10, 50]);
        expect(same(result, body.subarray(7, 57))).toBe(true);
        expect(await source.read(body.length - 3, 50, { into })).toHaveLength(3);
        expect(await codeOf(source.read(0, 61, { into }))).toBe("ERR_INVALID_ARGUMENT");
      }
    });

    test("streams any span in pieces", async () => {
      const source = make();
      for (const [offset, length] of [
        [0, Number.POSITIVE_INFINITY],
        [1_000_000, 1_500_000],
        [body.length - 1, 5],
        [body.length, 5],
        [5, 0],
      ] as const) {
        expect(
          same(await collect(source.stream(offset, length)), body.subarray(offset, offset + length)),
        ).toBe(true);
      }
      let largest = 0;
      for await (const piece of source.stream(0, body.length)) {
        largest = Math.max(largest, piece.length);
        expect(piece.constructor).toBe(Uint8Array);
      }
      expect(largest).toBeLessThanOrEqual(1 << 20);
      for await (const _ of source.stream(0, body.length)) break;
    });

    test("refuses malformed ranges", async () => {
      const source = make();
      for (const [offset, length] of [
        [-1, 5],
        [1.5, 5],
        [0, -5],
        [0, Number.NaN],
      ] as const) {
        expect(await codeOf(source.read(offset, length))).toBe("ERR_INVALID_ARGUMENT");
        expect(await codeOf(collect(source.stream(offset, length)))).toBe("ERR_INVALID_ARGUMENT");
      }
      expect(await codeOf(source.read(0, Number.POSITIVE_INFINITY))).toBe("ERR_INVALID_ARGUMENT");
    });

    test("rejects an aborted read with the reason itself", async () => {
      const source = make();
      const reason = { why: "enough" };
      const signal = AbortSignal.abort(reason);
      expect(await codeOf(source.read(0, 5, { signal }))).toBe(reason);
      expect(await codeOf(source.size({ signal }))).toBe(reason);
      expect(await codeOf(collect(source.stream(0, 5, { signal })))).toBe(reason);
      const controller = new AbortController();
      const stream = (async () => {
        for await (const _ of source.stream(0, body.length, { signal: controller.signal }))
          controller.abort(reason);
      })();
      expect(await codeOf(stream)).toBe(reason);
    });

    test("is closed by close", async () => {
      const source = make();
      await source.close?.();
      await source.close?.();
      for (const promise of [source.read(0, 1), source.size(), collect(source.stream(0, 1))]) {
        expect(await codeOf(promise)).toBe("ERR_CLOSED");
      }
    });
  });
}

test("a File's version tells it from another of its name", async () => {
  const version = (
    bytes: Uint8Array<ArrayBuffer>,
    lastModified: number,
  ): Promise<string | null> | undefined =>
    blobSource(new File([bytes], "a.nii", { lastModified })).version?.();
  expect(await version(body, 5)).toBe(await version(body, 5));
  expect(await version(body, 5)).not.toBe(await version(body, 6));
  expect(await version(body, 5)).not.toBe(await version(body.subarray(1), 5));
  expect(await blobSource(new Blob([body])).version?.()).toBe(null);
});

test("a Blob that cannot be read any more says why", async () => {
  class Gone extends NodeBlob {
    readonly reason: string;
    constructor(reason: string) {
      super([new Uint8Array(10)]);
      this.reason = reason;
    }
    override slice(): NodeBlob {
      return this;
    }
    override async arrayBuffer(): Promise<ArrayBuffer> {
      throw new DOMException("no", this.reason);
    }
  }
  for (const [reason, code] of [
    ["NotFoundError", "ERR_NOT_FOUND"],
    ["NotReadableError", "ERR_CHANGED"],
    ["SecurityError", "ERR_IO"],
  ] as const) {
    expect(await codeOf(blobSource(new Gone(reason) as unknown as Blob).read(0, 5))).toBe(code);
  }
});
