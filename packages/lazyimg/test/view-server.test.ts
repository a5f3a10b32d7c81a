import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ViewServer, viewServer } from "../src/cli/view-server.js";
import { type Answer, ask } from "./ask.js";
import { PHANTOM, ROOT } from "./command.js";

const PAGE = join(ROOT, "packages/viewer/dist/page");

describe("the view server", () => {
  const folder = mkdtempSync(join(tmpdir(), "lazyimg view "));
  const secret = join(folder, "secret.txt");
  const zarr = join(folder, "given", "brain.nii.zarr");
  const scan = join(folder, "given", "scan #1.nii.gz");
  const bytes = readFileSync(PHANTOM);
  let server: ViewServer;
  let prefix: string;
  const PATIENCE = 400;

  beforeAll(async () => {
    mkdirSync(join(zarr, "0"), { recursive: true });
    writeFileSync(secret, "secret");
    writeFileSync(scan, bytes);
    writeFileSync(join(folder, "given", "other.nii"), "not given");
    writeFileSync(join(zarr, ".zattrs"), "{}");
    writeFileSync(join(zarr, "0", "0.0"), "chunk");
    symlinkSync(secret, join(zarr, "0", "out"));
    symlinkSync(folder, join(zarr, "up"));
    symlinkSync(secret, `${scan}.gzidx`);
    symlinkSync(join(zarr, "0", "0.0"), join(zarr, "0", "in"));
    server = await viewServer({ page: PAGE, sources: [scan, zarr], patience: PATIENCE });
    prefix = new URL(server.url).pathname;
  });
  afterAll(() => server.close());

  it("listens on the loopback interface alone, on a random port, behind a token", async () => {
    const { hostname, port } = new URL(server.url);
    expect(hostname).toBe("127.0.0.1");
    expect(Number(port)).toBeGreaterThan(1023);
    expect(prefix).toMatch(/^\/[\w-]{24}\/$/);
    const other = await viewServer({ page: PAGE, sources: [scan] });
    expect(new URL(other.url).pathname).not.toBe(prefix);
    expect(new URL(other.url).port).not.toBe(port);
    await other.close();
  });

  it("serves the page with a policy, and the files with ranges", async () => {
    const page = await ask(server.url);
    expect(page.status).toBe(200);
    expect(page.headers["content-type"]).toMatch(/^text\/html/);
    const policy = page.headers["content-security-policy"] as string;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self' 'wasm-unsafe-eval';");
    expect(policy).not.toContain("unsafe-inline");
    expect(page.headers["x-content-type-options"]).toBe("nosniff");
    expect(page.headers["access-control-allow-origin"]).toBeUndefined();
    const [script] = /assets\/[\w-]+\.js/.exec(page.body.toString())!;
    expect((await ask(server.url + script)).headers["content-type"]).toMatch(/javascript/);

    const [file, hierarchy] = server.sources.map((path) => server.url + path);
    const whole = await ask(file!);
    expect(whole.body.equals(bytes)).toBe(true);
    expect(whole.headers["content-encoding"]).toBeUndefined();
    const part = await ask(file!, { headers: { range: "bytes=100-199" } });
    expect(part.status).toBe(206);
    expect(part.headers["content-range"]).toBe(`bytes 100-199/${bytes.length}`);
    expect(part.body.equals(bytes.subarray(100, 200))).toBe(true);
    const last = await ask(file!, { headers: { range: "bytes=-10" } });
    expect(last.body.equals(bytes.subarray(-10))).toBe(true);
    expect((await ask(file!, { method: "HEAD" })).body.length).toBe(0);
    expect((await ask(`${hierarchy}/.zattrs`)).body.toString()).toBe("{}");
    expect((await ask(`${hierarchy}/0/0.0`)).body.toString()).toBe("chunk");
    // A link that stays inside leads nowhere else.
    expect((await ask(`${hierarchy}/0/in`)).body.toString()).toBe("chunk");
  });

  it("lets no path climb out", async () => {
    const [file, hierarchy] = server.sources;
    const paths = [
      `${hierarchy}/../../secret.txt`,
      `${hierarchy}/../../../secret.txt`,
      `${hierarchy}/%2e%2e/%2e%2e/secret.txt`,
      `${hierarchy}/..%2f..%2fsecret.txt`,
      `${hierarchy}/..%5c..%5csecret.txt`,
      `${hierarchy}/0/..%00/secret.txt`,
      `${hierarchy}/%252e%252e/secret.txt`,
      `${hierarchy}//etc/passwd`,
      `${hierarchy}%2f..%2fother.nii`,
      `${file}/../other.nii`,
      "data/0/other.nii",
      "data/0/..",
      "data/0/",
      "data/1/",
      "data/1/brain.nii.zarr",
      "data/1/brain.nii.zarr/0",
      "data/1/brain.nii.zarrx/.zattrs",
      "data/2/scan.nii.gz",
      "data/-1/x",
      "data/__proto__/x",
      "../package.json",
      "assets/../../package.json",
      "assets/..%2f..%2f..%2fpackage.json",
      "assets/",
      "%",
      "%ff",
      "index.html%00",
    ];
    for (const path of paths) {
      const { status, body } = await ask(server.url, { path: prefix + path });
      expect([403, 404], path).toContain(status);
      expect(body.toString(), path).not.toMatch(/secret|root:|@lazyimg|not given|\{\}/);
    }
  });

  it("follows no link out", async () => {
    const [file, hierarchy] = server.sources;
    for (const path of [`${hierarchy}/0/out`, `${hierarchy}/up/secret.txt`, `${file}.gzidx`]) {
      const { status, body } = await ask(server.url + path);
      expect(status, path).toBe(404);
      expect(body.toString(), path).not.toContain("secret");
    }
  });

  it("answers nobody without its token", async () => {
    const { origin } = new URL(server.url);
    const token = prefix.slice(1, -1);
    for (const path of [
      "/",
      "/index.html",
      `/${server.sources[0]}`,
      `/${token.slice(1)}/`,
      `/${token}x/`,
      `/${token.toLowerCase()}/x`,
      `//${token}/`,
      `/?token=${token}`,
      "",
      "*",
    ]) {
      const { status, body } = await ask(origin, { path: path || "/" });
      expect(status, path).toBe(403);
      expect(body.toString(), path).toContain("token");
    }
  });

  it("answers no other origin, and under no other name", async () => {
    const url = server.url + server.sources[0];
    const { host, port } = new URL(url);
    const refused: [Record<string, string>, number][] = [
      [{ origin: "https://evil.example" }, 403],
      [{ origin: "null" }, 403],
      [{ origin: "http://127.0.0.1:1" }, 403],
      [{ origin: `https://${host}` }, 403],
      [{ "sec-fetch-site": "cross-site" }, 403],
      [{ "sec-fetch-site": "same-site" }, 403],
      [{ host: `evil.example:${port}` }, 421],
      [{ host: "127.0.0.1" }, 421],
    ];
    for (const [headers, status] of refused) {
      const answer = await ask(url, { headers });
      expect(answer.status, JSON.stringify(headers)).toBe(status);
      expect(answer.headers["access-control-allow-origin"]).toBeUndefined();
      expect(answer.body.length).toBeLessThan(200);
    }
    for (const headers of [
      { origin: `http://${host}` },
      { host: `localhost:${port}` },
      { "sec-fetch-site": "none" },
    ])
      expect((await ask(url, { headers })).status, JSON.stringify(headers)).toBe(200);
    expect((await ask(url, { headers: {} })).headers["cross-origin-resource-policy"]).toBe("same-origin");
  });

  it("only reads", async () => {
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
      expect((await ask(server.url + server.sources[0], { method })).status, method).toBe(405);
  });

  it("survives ranges that are malformed, outside, or very many", async () => {
    const url = server.url + server.sources[0];
    const range = async (value: string): Promise<Answer> => ask(url, { headers: { range: value } });
    for (const malformed of [
      "bytes",
      "bytes=",
      "bytes=a-b",
      "lines=1-2",
      "=",
      "bytes=--1",
      "bytes=1-2-3",
      "\t",
    ]) {
      const { status, body } = await range(malformed);
      expect([200, 206, 416], malformed).toContain(status);
      expect(body.length, malformed).toBeLessThanOrEqual(bytes.length);
    }
    for (const outside of [`bytes=${bytes.length}-`, "bytes=999999999999-", "bytes=99999999999999999999-"]) {
      const answer = await range(outside);
      expect(answer.status, outside).toBe(416);
      expect(answer.headers["content-range"]).toBe(`bytes */${bytes.length}`);
    }
    expect((await range("bytes=5-3")).body.length).toBeLessThanOrEqual(bytes.length);
    const end = await range(`bytes=10-${"9".repeat(30)}`);
    expect(end.body.equals(bytes.subarray(10))).toBe(true);
    // More would not fit into the headers; each of them is the whole file.
    const many = await range(`bytes=${Array(1500).fill("0-").join(",")}`);
    expect(many.status).toBeLessThan(417);
    expect(many.body.length).toBeLessThanOrEqual(bytes.length);
    const apart = await range(
      `bytes=${Array.from({ length: 1000 }, (_, n) => `${4 * n}-${4 * n}`).join(",")}`,
    );
    expect(apart.body.length).toBeLessThanOrEqual(bytes.length);
    const huge = await range(`bytes=${"0-0,".repeat(20_000)}0-0`);
    expect(huge.status).toBe(431);
    expect((await range("bytes=0-3")).body.length).toBe(4);
  });

  it("answers several ranges at once, each with what it has", async () => {
    const url = server.url + server.sources[0];
    const wanted = [
      [0, 0],
      [5, 99],
      [100, 100],
      [bytes.length - 7, bytes.length - 1],
    ] as const;
    const range = (pairs: readonly (readonly [number, number])[]) =>
      `bytes=${pairs.map(([first, last]) => `${first}-${last}`).join(", ")}`;
    const answer = await ask(url, { headers: { range: range(wanted) } });
    expect(answer.status).toBe(206);
    const boundary = /^multipart\/byteranges; boundary=(\w+)$/.exec(answer.headers["content-type"]!)![1];
    expect(answer.headers["content-length"]).toBe(String(answer.body.length));
    const single = await ask(url, { headers: { range: "bytes=0-0" } });
    expect(answer.headers["last-modified"]).toBe(single.headers["last-modified"]);
    const parts = answer.body.toString("latin1").split(`\r\n--${boundary}`);
    expect(parts[0]).toBe("");
    expect(parts.at(-1)).toBe("--\r\n");
    expect(parts.slice(1, -1)).toEqual(
      wanted.map(
        ([first, last]) =>
          `\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${first}-${last}/${bytes.length}\r\n\r\n${bytes.subarray(first, last + 1).toString("latin1")}`,
      ),
    );
    // Out of order, overlapping, outside, or too many: the whole file.
    const pairs = Array.from({ length: 65 }, (_, n) => [3 * n, 3 * n] as const);
    expect((await ask(url, { headers: { range: range(pairs.slice(1)) } })).status).toBe(206);
    for (const odd of [
      range(pairs),
      range([
        [5, 9],
        [0, 3],
      ]),
      range([
        [0, 5],
        [5, 9],
      ]),
      range([
        [0, 5],
        [9, bytes.length],
      ]),
      range([
        [0, 5],
        [9, 8],
      ]),
    ])
      expect((await ask(url, { headers: { range: odd } })).body.length, odd).toBeLessThanOrEqual(
        bytes.length,
      );
    for (const path of [`${server.sources[1]}/0/out`, `${server.sources[0]}.gzidx`])
      expect((await ask(server.url + path, { headers: { range: "bytes=0-1,3-4" } })).status).toBe(404);
    const folderAnswer = await ask(`${server.url}${server.sources[1]}/0`, {
      headers: { range: "bytes=0-1,3-4" },
    });
    expect(folderAnswer.status).toBe(404);
  });

  it("lets slow clients go, and answers others meanwhile", async () => {
    const { hostname, port } = new URL(server.url);
    const slow: Socket[] = Array.from({ length: 40 }, () => {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      socket.write(`GET ${prefix}${server.sources[0]} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nX-Slow: `);
      return socket;
    });
    const gone = slow.map((socket) => {
      socket.resume();
      return once(socket, "close");
    });
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask(server.url + server.sources[0])));
    expect(answers.every(({ body }) => body.equals(bytes))).toBe(true);
    await Promise.all(gone);
  });

  it("does not hold in memory what a client does not take", async () => {
    const large = join(folder, "given", "large.nii");
    writeFileSync(large, "");
    truncateSync(large, 1 << 30);
    const mine = await viewServer({ page: PAGE, sources: [large] });
    const { hostname, port, pathname } = new URL(mine.url);
    const before = process.memoryUsage().rss;
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(Number(port), hostname);
      socket.on("error", () => {});
      socket.pause();
      socket.write(`GET ${pathname}${mine.sources[0]} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`);
      return socket;
    });
    await sleep(1000);
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
    for (const socket of sockets) socket.destroy();
    await mine.close();
  });
});
