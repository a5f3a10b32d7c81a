import { blobSource, bytesSource, cached, fileSource, httpSource } from "@lazyimg/byte-source";
import { isLazyImageError } from "@lazyimg/core";
import { describe, expect, test } from "vitest";

const body = Uint8Array.from({ length: 3_000_000 }, (_, i) => (i * 31 + (i >> 8) * 17) & 255);

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}

describe("blobSource in a browser", () => {
  const file = new File([body], "scan.nii", { lastModified: 5 });

  test("reads ranges of a File, and streams it", async () => {
    const source = blobSource(file);
    expect(source.name).toBe("scan.nii");
    expect(await source.size()).toBe(body.length);
    expect(same(await source.read(1_234_567, 70_000), body.subarray(1_234_567, 1_304_567))).toBe(true);
    expect(await source.read(body.length, 10)).toHaveLength(0);
    const into = new Uint8Array(100);
    expect((await source.read(7, 50, { into })).buffer).toBe(into.buffer);
    expect(same(into.subarray(0, 50), body.subarray(7, 57))).toBe(true);
    let position = 100;
    for await (const piece of source.stream(100, Number.POSITIVE_INFINITY)) {
      expect(same(piece, body.subarray(position, position + piece.length))).toBe(true);
      position += piece.length;
    }
    expect(position).toBe(body.length);
  });

  test("many at a time, with aborts", async () => {
    const source = cached(blobSource(file));
    const outcomes = await Promise.all(
      Array.from({ length: 200 }, async (_, i) => {
        const controller = new AbortController();
        try {
          const reading = source.read(i * 10_000, 5000 + i, { signal: controller.signal });
          if (i % 21 === 0) controller.abort(i);
          else if (i % 3 === 0) setTimeout(() => controller.abort(i), i % 7);
          const read = await reading;
          return same(read, body.subarray(i * 10_000, i * 15_000 - i * 5000 + 5000 + i)) ? "read" : "wrong";
        } catch (error) {
          return i % 3 === 0 && error === i ? "aborted" : "failed";
        }
      }),
    );
    expect(outcomes).not.toContain("wrong");
    expect(outcomes).not.toContain("failed");
    expect(outcomes.filter((_, i) => i % 21 === 0)).toEqual(Array(10).fill("aborted"));
    expect(outcomes.filter((outcome) => outcome === "read").length).toBeGreaterThan(130);
  });
});

describe("httpSource in a browser", () => {
  test("reads a page's own files, by a URL relative to it", async () => {
    const path = new URL("./blob.browser.test.ts?raw", import.meta.url).pathname;
    const whole = new Uint8Array(await (await fetch(path)).arrayBuffer());
    const source = httpSource(path);
    expect(same(await source.read(0, 40), whole.subarray(0, 40))).toBe(true);
    expect(same(await source.read(100, 500), whole.subarray(100, 600))).toBe(true);
    expect(source.name).toBe("blob.browser.test.ts");
    await source.close?.();
  });

  test("a failure of the network is ERR_HTTP that speaks of CORS", async () => {
    const error: unknown = await httpSource("http://127.0.0.1:9/x", { retries: 0 })
      .read(0, 1)
      .catch((reason: unknown) => reason);
    expect(isLazyImageError(error, "ERR_HTTP") && error.message).toMatch(/CORS/);
  });
});

test("paths teach what to use instead", async () => {
  expect(() => fileSource("/data/scan.nii")).toThrow(/URL|File/);
  expect(await bytesSource(body).read(3, 2)).toEqual(body.subarray(3, 5));
});
