import { gunzipSync } from "node:zlib";
import { type MisbehavingServer, misbehavingServer } from "@lazyimg/testkit/server";
import { afterEach, beforeEach, expect, test } from "vitest";

const bytes = Uint8Array.from({ length: 200_000 }, (_, n) => (n * 31) % 251);
let server: MisbehavingServer;

beforeEach(async () => {
  server = await misbehavingServer({ "scan.nii": bytes, "a folder/b.bin": bytes.subarray(0, 10) });
});
afterEach(() => server.close());

const get = (range?: string, init: RequestInit = {}, name = "scan.nii") =>
  fetch(server.url + name, { ...init, headers: { ...(range && { range }), ...init.headers } });
const body = async (response: Response) => new Uint8Array(await response.arrayBuffer());

test("a whole file", async () => {
  const response = await get();
  expect(response.status).toBe(200);
  expect(response.headers.get("accept-ranges")).toBe("bytes");
  expect(await body(response)).toEqual(bytes);
  expect(server).toMatchObject({ requests: 1, bytes: bytes.length });
});

test.each([
  ["bytes=0-0", 0, 1],
  ["bytes=100-199", 100, 200],
  ["bytes=199990-300000", 199_990, 200_000],
  ["bytes=199990-", 199_990, 200_000],
  ["bytes=-5", 199_995, 200_000],
])("%s", async (range, from, to) => {
  const response = await get(range);
  expect(response.status).toBe(206);
  expect(response.headers.get("content-range")).toBe(`bytes ${from}-${to - 1}/200000`);
  expect(await body(response)).toEqual(bytes.slice(from, to));
  expect(server.log[0]).toMatchObject({
    method: "GET",
    url: "/scan.nii",
    range,
    status: 206,
    bytes: to - from,
  });
});

test("a range past the end, an unknown file, HEAD, and names with escapes", async () => {
  const past = await get("bytes=200000-200001");
  expect([past.status, past.headers.get("content-range")]).toEqual([416, "bytes */200000"]);
  expect((await get(undefined, {}, "nothing.nii")).status).toBe(404);
  const head = await get(undefined, { method: "HEAD" });
  expect([head.status, head.headers.get("content-length")]).toEqual([200, "200000"]);
  expect(await body(await get(undefined, {}, "a%20folder/b.bin?token=1"))).toEqual(bytes.slice(0, 10));
});

test("a validator that no longer holds turns a range into the whole file", async () => {
  const etag = (await get("bytes=0-0")).headers.get("etag")!;
  expect((await get("bytes=0-0", { headers: { "if-range": etag } })).status).toBe(206);
  server.put("scan.nii", bytes.slice(1));
  const later = await get("bytes=0-0", { headers: { "if-range": etag } });
  expect([later.status, (await body(later)).length]).toEqual([200, bytes.length - 1]);
  expect(later.headers.get("etag")).not.toBe(etag);
});

test("browsers of other origins may ask with a range and see what they need", async () => {
  const preflight = await fetch(`${server.url}scan.nii`, {
    method: "OPTIONS",
    headers: { origin: "http://elsewhere", "access-control-request-headers": "range" },
  });
  expect(preflight.status).toBe(204);
  expect(preflight.headers.get("access-control-allow-headers")).toContain("range");
  expect(server.requests).toBe(0);
  const response = await get("bytes=0-0");
  expect(response.headers.get("access-control-allow-origin")).toBe("*");
  expect(response.headers.get("access-control-expose-headers")).toContain("content-range");
});

test("200 for 206", async () => {
  server.misbehave({ kind: "ignore-range" });
  const response = await get("bytes=5-9");
  expect([response.status, response.headers.get("content-range")]).toEqual([200, null]);
  expect((await body(response)).length).toBe(bytes.length);
});

test("a short body, well-formed", async () => {
  server.misbehave({ kind: "short", bytes: 3 });
  const response = await get("bytes=5-9");
  expect(response.headers.get("content-range")).toBe("bytes 5-7/200000");
  expect(await body(response)).toEqual(bytes.slice(5, 8));
});

test.each(["truncate", "reset"] as const)("%s: a body that breaks off", async (kind) => {
  server.misbehave({ kind, bytes: 1000 });
  const response = await get("bytes=0-99999");
  expect(response.headers.get("content-length")).toBe("100000");
  await expect(body(response)).rejects.toThrow();
  expect(server.log[0]).toMatchObject({ fault: kind, bytes: 1000, aborted: false });
});

test("a reset before the headers, twice, after one good answer", async () => {
  server.misbehave({ kind: "reset", bytes: 0 }, { times: 2, skip: 1 });
  expect((await get("bytes=0-0")).status).toBe(206);
  await expect(get("bytes=0-0")).rejects.toThrow();
  await expect(get("bytes=0-0")).rejects.toThrow();
  expect((await get("bytes=0-0")).status).toBe(206);
  expect(server.log.map(({ fault, status }) => [fault, status])).toEqual([
    [undefined, 206],
    ["reset", 0],
    ["reset", 0],
    [undefined, 206],
  ]);
});

test("a slow drip, that a client may leave", async () => {
  server.misbehave({ kind: "drip", bytes: 10, everyMs: 5 });
  expect(await body(await get("bytes=0-39"))).toEqual(bytes.slice(0, 40));
  const controller = new AbortController();
  const response = await get(undefined, { signal: controller.signal });
  await response.body!.getReader().read();
  controller.abort();
  await expect.poll(() => server.log[1]?.aborted).toBe(true);
  expect(server.log[1]!.bytes).toBeLessThan(bytes.length);
});

test("no answer at all", async () => {
  server.misbehave({ kind: "hang" });
  const controller = new AbortController();
  const waiting = expect(get(undefined, { signal: controller.signal })).rejects.toBe("enough");
  await expect.poll(() => server.requests).toBe(1);
  controller.abort("enough");
  await waiting;
  await expect.poll(() => server.log[0]!.aborted).toBe(true);
  expect(server.log[0]).toMatchObject({ fault: "hang", status: 0, bytes: 0 });
});

test("a file that changes all the time", async () => {
  server.misbehave({ kind: "change" });
  const answers = [await get("bytes=0-0"), await get("bytes=0-0")];
  const [a, b] = answers.map(({ headers }) => [headers.get("etag"), headers.get("last-modified")]);
  expect(a![0]).not.toBe(b![0]);
  expect(a![1]).not.toBe(b![1]);
});

test("error statuses, with Retry-After", async () => {
  server.misbehave({ kind: "status", status: 429, retryAfter: 2 }, { times: 1 });
  const response = await get("bytes=0-0");
  expect([response.status, response.headers.get("retry-after")]).toEqual([429, "2"]);
  expect((await get("bytes=0-0")).status).toBe(206);
  server.misbehave({ kind: "status", status: 503 });
  expect((await get()).headers.get("retry-after")).toBeNull();
  server.behave();
  expect((await get()).status).toBe(200);
});

test("416 for a range that is there", async () => {
  server.misbehave({ kind: "unsatisfiable" });
  expect((await get("bytes=0-0")).status).toBe(416);
});

test("a content encoding", async () => {
  server.misbehave({ kind: "gzip" });
  const response = await get("bytes=0-9999");
  expect(response.headers.get("content-encoding")).toBe("gzip");
  expect(await body(response)).toEqual(bytes.slice(0, 10_000));
  expect(server.bytes).toBeLessThan(10_000);
  expect(() => gunzipSync(bytes)).toThrow();
});

test.each([["bytes 0-4/200000"], ["bytes 5-9/7"], ["nonsense"], [null]])(
  "Content-Range: %s",
  async (value) => {
    server.misbehave({ kind: "content-range", value });
    const response = await get("bytes=5-9");
    expect([response.status, response.headers.get("content-range")]).toEqual([206, value]);
  },
);

test("other bytes than were asked for", async () => {
  server.misbehave({ kind: "shift", by: 2 });
  const response = await get("bytes=5-9");
  expect(response.headers.get("content-range")).toBe("bytes 5-9/200000");
  expect(await body(response)).toEqual(bytes.slice(7, 12));
});

test("a redirect", async () => {
  server.misbehave({ kind: "redirect", to: "/a%20folder/b.bin" }, { times: 1 });
  expect(await body(await get())).toEqual(bytes.slice(0, 10));
  expect(server.requests).toBe(2);
});

test("requests at once, and counting anew", async () => {
  const hold = server.hold();
  const bodies = Promise.all([0, 1, 2].map(async () => body(await get("bytes=0-3"))));
  await expect.poll(() => server.requests).toBe(3);
  hold.release();
  expect(await bodies).toEqual(Array(3).fill(bytes.slice(0, 4)));
  expect(server.most).toBe(3);
  server.reset();
  expect(server).toMatchObject({ requests: 0, bytes: 0, log: [] });
});

test("closing drops clients that wait", async () => {
  server.misbehave({ kind: "hang" });
  const waiting = expect(get()).rejects.toThrow();
  await expect.poll(() => server.requests).toBe(1);
  await server.close();
  await waiting;
});

test("requests are held up, and those that leave meanwhile are sent nothing", async () => {
  const hold = server.hold();
  const controller = new AbortController();
  const leaving = get("bytes=0-4", { signal: controller.signal });
  const staying = get("bytes=5-9");
  await hold.reached;
  await expect.poll(() => server.requests).toBe(2);
  controller.abort("enough");
  await expect(leaving).rejects.toBe("enough");
  await expect.poll(() => server.log.filter(({ aborted }) => aborted)).toHaveLength(1);
  hold.release();
  expect(await body(await staying)).toEqual(bytes.subarray(5, 10));
  expect(server.bytes).toBe(5);
  expect(await server.size()).toBe(bytes.length + 10);
});
