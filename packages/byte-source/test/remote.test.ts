import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { registerTransport, unregisterTransport } from "@lazyimg/byte-source";
import {
  isForbidden,
  Keyring,
  partsOf,
  remoteWriter,
  senderOf,
  sendParts,
  textOf,
} from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { heldTimers, until } from "./server.js";

describe("who writes to a URL", () => {
  test("nobody for paths, http(s) and what only reads; the transport else", async () => {
    expect(await remoteWriter("scan.nii", {})).toBeNull();
    expect(await remoteWriter("file:///data/scan.nii", {})).toBeNull();
    const refused = { code: "ERR_UNSUPPORTED" };
    await expect(remoteWriter("https://host/a.nii?sig=SECRET", {})).rejects.toMatchObject({
      ...refused,
      message: expect.not.stringContaining("SECRET"),
    });
    await expect(remoteWriter("nobody://host/a.nii", {})).rejects.toMatchObject(refused);
    registerTransport("mirror", () => ({ url: "https://host/a.nii" }));
    await expect(remoteWriter("mirror://a.nii", {})).rejects.toMatchObject({
      ...refused,
      message: expect.stringContaining("only reads"),
    });
    unregisterTransport("mirror");
  });
});

describe("requests", () => {
  let server: Server;
  let url = "";
  /** What the next requests are answered with: a status, or nothing. */
  let answers: (number | "drop" | "never")[] = [];
  let bodies: string[] = [];
  /** Told of each request that has arrived. */
  let asked: () => unknown = () => {};
  beforeAll(async () => {
    server = createServer((request, response) => {
      let body = "";
      request.on("data", (text) => {
        body += text;
      });
      request.on("end", () => {
        bodies.push(body);
        asked();
        const answer = answers.shift() ?? 200;
        if (answer === "drop") response.destroy();
        else if (answer !== "never")
          response.writeHead(answer, answer === 500 ? {} : { "retry-after": "0" }).end("said");
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/object?sig=SECRET`;
  });
  afterEach(() => {
    answers = [];
    bodies = [];
    asked = () => {};
    vi.unstubAllGlobals();
  });
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });

  const refused = async (_: string, { status }: Response) =>
    new LazyImageError("ERR_HTTP", `refused ${status}`, { cause: { status, code: String(status) } });
  const sender = (readerOptions: Record<string, unknown> = {}, by: typeof fetch = fetch) =>
    senderOf({ fetch: by, request: { readerOptions }, refused, conflicts: [409], answers: [308] });
  const body = new TextEncoder().encode("voxels");

  test("are repeated, body and all, after what may pass", async () => {
    answers = ["drop", 503, 429, 201];
    const { status, body: said } = await sender()({ method: "PUT", url, body });
    expect(status).toBe(201);
    expect(new TextDecoder().decode(said)).toBe("said");
    expect(bodies).toEqual(Array(4).fill("voxels"));
  });

  test("are given up, without the query's secrets", async () => {
    answers = [500, 500];
    await expect(sender({ retries: 1 })({ method: "PUT", url, body })).rejects.toMatchObject({
      code: "ERR_HTTP",
      message: expect.stringMatching(/^(?!.*SECRET).*answered 500.*tried 2 times/),
    });
  });

  test("are not repeated where that is no use; a conflict passes, and some statuses are answers", async () => {
    answers = [403];
    const failure = await sender()({ method: "PUT", url }).catch((error: unknown) => error);
    expect(failure).toMatchObject({ message: "refused 403" });
    expect(isForbidden(failure)).toBe(true);
    expect(bodies).toHaveLength(1);
    answers = [409, 308];
    expect((await sender()({ method: "PUT", url })).status).toBe(308);
  });

  test("whose answer was lost may have done their work, the first one not", async () => {
    const done = async () => true;
    answers = ["drop", 412];
    expect((await sender()({ method: "PUT", url, done })).status).toBe(200);
    answers = [412];
    await expect(sender()({ method: "PUT", url, done })).rejects.toThrow("refused 412");
  });

  test("end with the caller's reason, also while waiting", async () => {
    const reason = new Error("enough");
    for (const answer of ["never", 500] as const) {
      answers = [answer];
      const controller = new AbortController();
      const { signal } = controller;
      asked = () => answer === "never" && controller.abort(reason);
      const sending = sender({}, async (...given) => {
        const response = await fetch(...given);
        // When what is done with the answer at once has been done, and it is being waited.
        setImmediate(() => controller.abort(reason));
        return response;
      });
      await expect(sending({ method: "PUT", url, signal })).rejects.toBe(reason);
      expect(bodies).toHaveLength(1);
      bodies = [];
    }
  });

  test("a server that says nothing is asked again", async () => {
    answers = ["never", 200];
    const timeout = 3_600_000;
    const stalls = heldTimers(timeout);
    const sending = sender({ timeout })({ method: "PUT", url });
    await until(() => bodies.length === 1 && stalls.running === 1);
    stalls.fire();
    expect((await sending).status).toBe(200);
    expect(bodies).toHaveLength(2);
  });
});

describe("parts", () => {
  async function* pieces(...lengths: number[]): AsyncGenerator<Uint8Array> {
    let at = 0;
    for (const length of lengths) yield Uint8Array.from({ length }, () => at++);
  }

  test("are of one size, but for the last", async () => {
    const parts: number[][] = [];
    for await (const part of partsOf(pieces(1, 0, 7, 3, 2), 4)) parts.push([...part]);
    expect(parts).toEqual([[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, 10, 11], [12]]);
    for await (const part of partsOf(pieces(4), 4)) expect([...part]).toEqual([0, 1, 2, 3]);
    for await (const part of partsOf(pieces(), 4)) expect.unreachable(String(part));
  });

  test("are sent some at a time, and a failure ends it when nothing is under way", async () => {
    let under = 0;
    let most = 0;
    const send = async (part: Uint8Array, n: number): Promise<number> => {
      most = Math.max(most, ++under);
      // Later ones are done sooner.
      for (let turns = 10 - n; turns > 0; turns--) await new Promise(setImmediate);
      under--;
      if (n === 3) throw new Error("broken");
      return part[0]!;
    };
    expect(await sendParts(partsOf(pieces(12), 4), 2, send)).toEqual([0, 4, 8]);
    expect(most).toBe(2);
    await expect(sendParts(partsOf(pieces(100), 4), 2, send)).rejects.toThrow("broken");
    expect(under).toBe(0);
  });
});

test("credentials are asked for once, and again when they end or are refused", async () => {
  let given = 0;
  let seconds = 3600;
  const source = async () => ({ id: ++given, expiration: new Date(Date.now() + seconds * 1000) });
  const isKey = (value: unknown): value is { id: number; expiration: Date } => value !== "none";
  const keyring = Keyring.of(source, isKey, "no key");
  expect(Keyring.of(source, isKey, "no key")).toBe(keyring);
  await expect(Keyring.of("none", isKey, "no key").get()).rejects.toMatchObject({
    code: "ERR_INVALID_ARGUMENT",
    message: "no key",
  });
  expect(await Keyring.of(false, isKey, "no key").get()).toBeNull();
  const [first, same] = await Promise.all([keyring.get(), keyring.get()]);
  expect(first).toBe(same);
  expect(await keyring.get()).toBe(first);
  seconds = 30;
  expect((await keyring.get(first!))!.id).toBe(2);
  seconds = 3600;
  expect((await keyring.get())!.id).toBe(3);
  expect((await keyring.get())!.id).toBe(3);
});

test("text in XML", () => {
  expect(textOf("<a><Key>x &lt;&amp;&#x20;&#233;&gt; &unknown;</Key></a>", "Key")).toBe("x <& é> &unknown;");
  expect(textOf("<a/>", "Key")).toBeUndefined();
});
