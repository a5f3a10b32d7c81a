import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { remoteZarr, zarrStore } from "@lazyimg/backend-zarr/backend";
import { type WriteZarrOptions, writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { createRequest, type ImageDataBackend, slice } from "@lazyimg/core";
import { volume } from "@lazyimg/testkit";
import { afterEach, describe, expect, test, vi } from "vitest";
import { type ImageServer, serve } from "./served.js";

let server: ImageServer | undefined;
afterEach(() => server?.close());

async function opened(options: WriteZarrOptions, readerOptions = {}, fetcher?: typeof fetch) {
  const { tensor, affine } = volume({ dtype: "int16", shape: [1, 32, 24, 16] });
  const files = new Map<string, Uint8Array>();
  await writeNiftiZarr(tensorBackend(tensor, affine), files, { chunk: 8, levels: 1, ...options });
  server = await serve(files);
  const request = createRequest(server.url, { readerOptions, ...(fetcher && { fetch: fetcher }) });
  const image = (await remoteZarr.open(request, {}))!;
  return { image, server, tensor };
}

const chunks = ({ log }: ImageServer) => log.filter(({ key }) => key.startsWith("/0/c/"));

describe("requests over HTTP", () => {
  test("opening reads metadata and the header, no voxels", async () => {
    const { server } = await opened({});
    expect(chunks(server)).toEqual([]);
    expect(server.log.length).toBeLessThanOrEqual(6);
  });

  test("opening takes one round trip", async () => {
    const { server } = await opened({});
    const requests = server.log.length;
    let waiting = 0;
    // None is answered before all are there.
    server.before = async () => {
      waiting++;
      await vi.waitUntil(() => waiting >= requests, { timeout: 10_000, interval: 5 });
      return undefined;
    };
    expect(await remoteZarr.open(createRequest(server.url), {})).not.toBeNull();
    expect(waiting).toBe(requests);
  });

  test("a region fetches the chunks that it overlaps, each once", async () => {
    const { image, server, tensor } = await opened({});
    const plan = image.explain!([0, slice(7, 9), 3, slice(0, 8)]);
    const found = await image.read([0, slice(7, 9), 3, slice(0, 8)]);
    expect(
      chunks(server)
        .map(({ key }) => key)
        .sort(),
    ).toEqual(["/0/c/0/0/0", "/0/c/0/0/1"]);
    expect(plan.requests).toBe(2);
    expect(found.copy().data).toEqual(tensor.slice([0, slice(7, 9), 3, slice(0, 8)]).copy().data);
  });

  test("chunks between steps are not fetched", async () => {
    const { image, server, tensor } = await opened({});
    const index = [0, slice(31, null, -31), 3, slice(0, null, 15)];
    expect(image.explain!(index).requests).toBe(4);
    const found = await image.read(index);
    expect(
      chunks(server)
        .map(({ key }) => key)
        .sort(),
    ).toEqual(["/0/c/0/0/0", "/0/c/0/0/3", "/0/c/1/0/0", "/0/c/1/0/3"]);
    expect(found.copy().data).toEqual(tensor.slice(index).copy().data);
  });

  test("neighbouring reads share chunks, and a whole read afterwards fetches the rest", async () => {
    const { image, server } = await opened({});
    for (let k = 0; k < 8; k++) await image.read(["...", k]);
    expect(chunks(server)).toHaveLength(4 * 3);
    expect(image.explain!(["...", 3]).requests).toBe(0);
    await image.toTensor();
    expect(new Set(chunks(server).map(({ key }) => key)).size).toBe(4 * 3 * 2);
  });

  test("concurrent readers of a chunk share its request", async () => {
    const { image, server } = await opened({});
    await Promise.all([0, 1, 2, 3].map((k) => image.read([0, slice(8), slice(8), k])));
    expect(chunks(server)).toHaveLength(1);
  });

  test("without a cache every read fetches", async () => {
    const { image, server } = await opened({}, { cacheBytes: 0 });
    await image.read([0, 0, 0, 0]);
    await image.read([0, 0, 0, 0]);
    expect(chunks(server)).toHaveLength(2);
  });

  test("no more than a few requests at a time", async () => {
    const { image, server } = await opened({ chunk: 4 });
    let now = 0;
    let most = 0;
    server.before = async () => {
      most = Math.max(most, ++now);
      // All wait until there are some, and then a while for more.
      await vi.waitUntil(() => most > 2, { timeout: 120_000, interval: 5 });
      await new Promise((resolve) => setTimeout(resolve, 10));
      now--;
      return undefined;
    };
    await image.toTensor();
    // Rows are fetched together, a row has 8 chunks here.
    expect(most).toBeLessThanOrEqual(64);
  });

  test("a missing chunk is the fill value, any other failure is an error", async () => {
    const { image, server } = await opened({}, { retries: 0 });
    server.before = (key) => (key === "/0/c/0/0/1" ? 404 : undefined);
    const found = await image.read([0, slice(4, 12), 0, 0]);
    expect([...found.copy().data].slice(4)).toEqual([0, 0, 0, 0]);
    server.before = () => 403;
    await expect(image.read(["...", 12])).rejects.toMatchObject({ code: "ERR_HTTP" });
  });

  test("a server that stumbles is asked again", async () => {
    const { image, server, tensor } = await opened({});
    let failures = 2;
    server.before = (key) => (key.startsWith("/0/c") && failures-- > 0 ? 503 : undefined);
    expect((await image.read([0, 0, 0, null])).copy().data).toEqual(
      tensor.slice([0, 0, 0, null]).copy().data,
    );
  });

  test("every request goes through the given fetch", async () => {
    const seen: string[] = [];
    const { image, server } = await opened({}, {}, (input, init) => {
      seen.push(String(input));
      return fetch(input, init);
    });
    await image.read([0, 0, 0, 0]);
    expect(seen).toHaveLength(server.log.length);
  });
});

describe("shards", () => {
  test("one index and one merged range for neighbouring chunks", async () => {
    const { image, server, tensor } = await opened({ chunk: 4, shard: [32, 8, 8] });
    const found = await image.read([0, null, slice(8), slice(8)]);
    expect(found.copy().data).toEqual(tensor.slice([0, null, slice(8), slice(8)]).copy().data);
    // The size of the shard, its index, and all its chunks at once.
    expect(chunks(server).length).toBeLessThanOrEqual(3);
    const before = server.log.length;
    await image.read([0, 5, 5, 5]);
    expect(server.log.length).toBe(before);
  });

  test("one chunk reads no more than itself and the index", async () => {
    const { image, server } = await opened({ chunk: 8, shard: [32, 24, 16], codec: "none" });
    await image.read([0, 1, 1, 1]);
    expect(chunks(server).reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(
      1024 + 24 * 16 + 4 + 1,
    );
  });
});

describe("abort", () => {
  test("rejects with the reason, at once, and takes the requests back", async () => {
    const { image, server } = await opened({});
    const gates: (() => void)[] = [];
    server.before = () => new Promise((resolve) => gates.push(() => resolve(undefined)));
    const controller = new AbortController();
    const reading = image.read([0, 0, 0, 0], { signal: controller.signal });
    await expect.poll(() => gates.length).toBe(1);
    const reason = new Error("enough");
    controller.abort(reason);
    await expect(reading).rejects.toBe(reason);
    await expect.poll(() => server.aborted).toBe(1);
    for (const open of gates) open();
  });

  test("of one reader leaves the other's shared request alone", async () => {
    const { image, server, tensor } = await opened({});
    const gates: (() => void)[] = [];
    server.before = () => new Promise((resolve) => gates.push(() => resolve(undefined)));
    const controller = new AbortController();
    const first = image.read([0, 0, 0, 0], { signal: controller.signal });
    const second = image.read([0, 1, 0, 0]);
    await expect.poll(() => gates.length).toBe(1);
    controller.abort(new Error("gone"));
    await expect(first).rejects.toThrow("gone");
    for (const open of gates) open();
    expect((await second).at(0, 0, 0, 0)).toBe(tensor.at(0, 1, 0, 0));
    expect(chunks(server)).toHaveLength(1);
  });
});

test("a zarrita store that answers synchronously, or without ranges, will do", async () => {
  const { tensor, affine } = volume({ dtype: "float32", shape: [1, 9, 10, 11] });
  const files = new Map<string, Uint8Array>();
  await writeNiftiZarr(tensorBackend(tensor, affine), files, { chunk: 4, shard: 8 });
  const store = { get: (key: string) => files.get(key) };
  const image: ImageDataBackend = (await zarrStore.open(createRequest(store as never), {}))!;
  expect((await image.toTensor()).copy().data).toEqual(tensor.data);
});

test("a read rises in progress to its total", async () => {
  const { image } = await opened({});
  const seen: number[] = [];
  let total = 0;
  await image.read(null, {
    onProgress: ({ bytes, totalBytes }) => {
      seen.push(bytes);
      total = totalBytes;
    },
  });
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(seen.at(-1)).toBe(total);
});
