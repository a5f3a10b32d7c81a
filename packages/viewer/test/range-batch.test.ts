import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { together } from "../src/worker/range-batch.js";

const FILE = Uint8Array.from({ length: 5000 }, (_, n) => (n * 7 + (n >> 8)) & 0xff);
type Mode = "multipart" | "whole" | "partly" | "broken" | "hang";

/** A server of one file, with ranges as RFC 9110, section 14.6, has them: with a preamble, and names in other letters. */
describe("ranges that are wanted at the same time", () => {
  let server: Server;
  let url: string;
  let origin: string;
  let mode: Mode;
  let log: string[];
  let gone: number;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const range = request.headers.range!;
      log.push(range);
      response.once("close", () => {
        if (!response.writableFinished) gone++;
      });
      const pairs = [...range.matchAll(/(\d+)-(\d+)/g)].map(([, a, b]) => [Number(a), Number(b)] as const);
      const part = ([a, b]: readonly [number, number]) => FILE.subarray(a, b + 1);
      if (mode === "hang" && pairs.length > 1) return;
      if (pairs.length === 1) {
        const [[first, last]] = pairs as [readonly [number, number]];
        response.writeHead(206, { "content-range": `bytes ${first}-${last}/${FILE.length}` });
        response.end(part([first, last]));
      } else if (mode === "whole") response.writeHead(200).end(FILE);
      else if (mode === "broken") response.destroy();
      else {
        response.writeHead(206, { "content-type": "multipart/byteranges; boundary=XX", etag: '"v"' });
        response.write("To be ignored.");
        for (const pair of mode === "partly" ? pairs.slice(1) : pairs) {
          const says = `content-RANGE:bytes ${pair.join("-")}/${FILE.length}\r\nX-More: yes`;
          response.write(`\r\n--XX\r\nContent-type: a/b\r\n${says}\r\n\r\n`);
          response.write(part(pair));
        }
        response.end("\r\n--XX--\r\n");
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    url = `${origin}/file`;
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    [mode, log, gone] = ["multipart", [], 0];
  });

  const RANGES = [
    [4000, 4999],
    [0, 9],
    [100, 100],
    [10, 19],
  ] as const;
  const init = ([first, last]: readonly [number, number], signal?: AbortSignal): RequestInit => ({
    headers: { range: `bytes=${first}-${last}`, "x-key": "a" },
    ...(signal && { signal }),
  });
  async function expectAll(fetchTogether: typeof fetch): Promise<void> {
    const answers = await Promise.all(RANGES.map((range) => fetchTogether(url, init(range))));
    for (const [n, answer] of answers.entries()) {
      const [first, last] = RANGES[n]!;
      expect(answer.status).toBe(206);
      expect(answer.headers.get("content-range")).toBe(`bytes ${first}-${last}/5000`);
      expect(new Uint8Array(await answer.arrayBuffer())).toEqual(FILE.slice(first, last + 1));
    }
  }

  it("are one request, in order", async () => {
    const fetchTogether = together(fetch, origin);
    await expectAll(fetchTogether);
    expect(log).toEqual(["bytes=0-9,10-19,100-100,4000-4999"]);
    await fetchTogether(url, init([5, 6]));
    expect(log[1]).toBe("bytes=5-6");
  });

  it("go apart where they overlap, and no more than 64 together", async () => {
    const fetchTogether = together(fetch, origin);
    await Promise.all([init([0, 9]), init([5, 15])].map((each) => fetchTogether(url, each)));
    expect(log.sort()).toEqual(["bytes=0-9", "bytes=5-15"]);
    log = [];
    await Promise.all(Array.from({ length: 70 }, (_, n) => fetchTogether(url, init([2 * n, 2 * n]))));
    expect(log.map((range) => range.split(",").length).sort()).toEqual([6, 64]);
  });

  it("go one by one to servers that answer otherwise, and from then on", async () => {
    mode = "whole";
    const fetchTogether = together(fetch, origin);
    await expectAll(fetchTogether);
    expect(log).toHaveLength(5);
    await expectAll(fetchTogether);
    expect(log).toHaveLength(9);
  });

  it("that are missing in the answer are asked for again", async () => {
    mode = "partly";
    await expectAll(together(fetch, origin));
    expect(log).toEqual(["bytes=0-9,10-19,100-100,4000-4999", "bytes=0-9"]);
  });

  it("of another origin, or outside of a page, go one by one", async () => {
    await expectAll(together(fetch, "http://127.0.0.1:1"));
    await expectAll(together(fetch, undefined));
    expect(log).toHaveLength(8);
  });

  it("fail together", async () => {
    mode = "broken";
    const fetchTogether = together(fetch, origin);
    const all = await Promise.allSettled(RANGES.map((range) => fetchTogether(url, init(range))));
    expect(all.every(({ status }) => status === "rejected")).toBe(true);
  });

  it("are given up one by one, and the request with the last of them", async () => {
    mode = "hang";
    const fetchTogether = together(fetch, origin);
    const controllers = [new AbortController(), new AbortController(), new AbortController()] as const;
    const all = controllers.map(({ signal }, n) => fetchTogether(url, init(RANGES[n]!, signal)));
    controllers[2].abort("before it was asked for");
    await expect(all[2]).rejects.toBe("before it was asked for");
    await expect.poll(() => log).toEqual(["bytes=0-9,4000-4999"]);
    controllers[0].abort("one");
    await expect(all[0]).rejects.toBe("one");
    expect(gone).toBe(0);
    controllers[1].abort("other");
    await expect(all[1]).rejects.toBe("other");
    await expect.poll(() => gone).toBe(1);
  });
});
