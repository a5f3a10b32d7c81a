import { rename, stat, truncate, utimes, writeFile } from "node:fs/promises";
import type { Tensor } from "@lazyimg/core";
import { type Image, openImage } from "lazyimg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { NGINX, type Nginx, startNginx } from "./support/nginx.js";
import { CONTAINERS, makeSample, type Sample, Scratch, writeSample } from "./support/sample.js";
import { expectVoxels } from "./support/voxels.js";

/** A server as people run it, configured in the ways that go wrong; skipped where there is no nginx. */

const AUTHORIZATION = `Basic ${Buffer.from("user:secret").toString("base64")}`;
const headers = { Authorization: AUTHORIZATION };
const index = [null, null, { start: 7, stop: 11, step: 2 }, 21] as const;

describe.skipIf(NGINX === undefined)("nginx", () => {
  const scratch = new Scratch();
  let sample: Sample;
  let nginx: Nginx;

  beforeAll(async () => {
    sample = await makeSample([2, 96, 96, 40]);
    await writeSample(sample, scratch.at("files"));
    nginx = await startNginx(scratch.at("files"), scratch.at("nginx"));
  });
  afterAll(async () => {
    await nginx?.kill();
    scratch.remove();
  });

  async function expectRegion(url: string, readerOptions: Record<string, unknown> = {}): Promise<void> {
    const image = await openImage(url, { readerOptions });
    try {
      expectVoxels(await image.read(index), sample.tensor.slice(index) as Tensor);
    } finally {
      await image.close();
    }
  }

  const failure = (promise: Promise<unknown>): Promise<{ code: string; message: string }> =>
    promise.then(
      () => Promise.reject(new Error("it succeeded")),
      (error) => error as { code: string; message: string },
    );

  describe.each(["plain", "few", "brief", "whole", "slow", "packed", "untagged"])("%s", (location) => {
    test.each(CONTAINERS)("%s", (container) => expectRegion(`${nginx.url}${location}/${container}`));
  });

  test.each(CONTAINERS)("a password is asked for, and sent: %s", async (container) => {
    const error = await failure(openImage(`${nginx.url}private/${container}`));
    expect(error).toMatchObject({ code: "ERR_HTTP", message: expect.stringContaining("Authorization") });
    await expectRegion(`${nginx.url}private/${container}`, { headers });
  });

  test.each(CONTAINERS)("a redirect within the origin keeps credentials: %s", async (container) => {
    await expectRegion(`${nginx.url}here/${container}`, { headers });
  });

  test.each(CONTAINERS)(
    "a redirect to another origin is followed without credentials: %s",
    async (container) => {
      const before = nginx.log().length;
      await expectRegion(`${nginx.url}away/${container}`, { headers });
      const asked = (path: string) =>
        nginx
          .log()
          .slice(before)
          .filter((request) => request.path.startsWith(path));
      // It is written when an answer has been sent.
      await expect.poll(() => asked("/away/").length * asked("/plain/").length).toBeGreaterThan(0);
      const [away, there] = [asked("/away/"), asked("/plain/")];
      expect(new Set(away.map(({ authorization }) => authorization))).toEqual(new Set([AUTHORIZATION]));
      expect(new Set(there.map(({ authorization }) => authorization))).toEqual(new Set(["-"]));
    },
  );

  test.each(CONTAINERS)(
    "a signature that expires is renewed by the caller's fetch: %s",
    async (container) => {
      let signature = "old";
      let renewed = 0;
      const sign = (input: string | URL | Request): URL => {
        const url = new URL(String(input));
        url.searchParams.set("sig", signature);
        return url;
      };
      const signing: typeof fetch = async (input, init) => {
        const response = await fetch(sign(input as string), init);
        if (response.status !== 403) return response;
        await response.body?.cancel();
        signature = "good";
        renewed++;
        return fetch(sign(input as string), init);
      };
      const image = await openImage(`${nginx.url}signed/${container}`, { fetch: signing });
      signature = "expired";
      expectVoxels(await image.read(index), sample.tensor.slice(index) as Tensor);
      await image.close();
      expect(renewed).toBeGreaterThan(1);
    },
  );

  test.each(CONTAINERS)("a server that is busy, and one that has it no more: %s", async (container) => {
    const options = { readerOptions: { retries: 1 } };
    const busy = await failure(openImage(`${nginx.url}busy/${container}`, options));
    expect(busy).toMatchObject({ code: "ERR_HTTP", message: expect.stringContaining("503") });
    expect((await failure(openImage(`${nginx.url}gone/${container}`, options))).code).toBe("ERR_NOT_FOUND");
  });

  test("killed amid a body and started again, it is asked for the rest", async () => {
    let passed = 0;
    const watching: typeof fetch = async (input, init) => {
      const response = await fetch(input, init);
      const count = new TransformStream<Uint8Array, Uint8Array>({
        transform(piece, controller) {
          passed += piece.length;
          controller.enqueue(piece);
        },
      });
      return new Response(response.body?.pipeThrough(count), response);
    };
    const image = await openImage(`${nginx.url}slow/scan.nii`, {
      fetch: watching,
      readerOptions: { retries: 8 },
    });
    const before = nginx.log().length;
    passed = 0;
    const reading = image.read();
    await vi.waitUntil(() => passed > 0, { timeout: 120_000, interval: 5 });
    await nginx.kill();
    expect(passed).toBeLessThan(image.memory);
    await nginx.start();
    expectVoxels(await reading, sample.tensor);
    await expect
      .poll(() => nginx.log().slice(before))
      .toContainEqual(
        expect.objectContaining({
          ...{ path: "/slow/scan.nii", status: 206 },
          range: expect.stringMatching(/^bytes=[1-9]\d{3}/),
        }),
      );
    await image.close();
  });

  test("replaced, grown or cut on the server between two reads is ERR_CHANGED", async () => {
    const changes: ((path: string) => Promise<void>)[] = [
      async (path) => {
        await writeFile(
          `${path}.new`,
          sample.files["scan.nii"]!.map((byte) => byte ^ 1),
        );
        await utimes(`${path}.new`, 1e9, 1e9);
        await rename(`${path}.new`, path);
      },
      async (path) => truncate(path, (await stat(path)).size - 1),
      async (path) => writeFile(path, new Uint8Array(10), { flag: "a" }),
    ];
    for (const [n, change] of changes.entries()) {
      const path = scratch.at("files", `changing-${n}.nii`);
      await writeFile(path, sample.files["scan.nii"]!);
      const image: Image = await openImage(`${nginx.url}plain/changing-${n}.nii`);
      expectVoxels(await image.read([0, 0]), sample.tensor.slice([0, 0]));
      await change(path);
      const error = await failure(image.read([1, null, null, 3]));
      expect(error, `change ${n}`).toMatchObject({
        code: "ERR_CHANGED",
        message: expect.stringContaining("open it again"),
      });
      await image.close();
    }
  });
});
