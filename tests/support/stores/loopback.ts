import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSource, unregisterTransport } from "@lazyimg/byte-source";
import { afterAll, beforeAll, expect, test } from "vitest";
import { listen } from "./proxy.js";

/** A server and a folder for as long as a block of tests runs. */
interface Loopback {
  readonly endpoint: string;
  readonly folder: string;
}

/** What the tests of a transport ask: it begins before the first of them. */
export function loopback(answer: RequestListener): Loopback {
  const server = createServer(answer);
  const running = { endpoint: "", folder: "" };
  beforeAll(async () => {
    running.folder = await mkdtemp(join(tmpdir(), "lazyimg-loopback-"));
    running.endpoint = `http://127.0.0.1:${await listen(server)}`;
  });
  afterAll(async () => {
    server.closeAllConnections();
    server.close();
    await rm(running.folder, { recursive: true });
  });
  return running;
}

/** Reads a byte, `x`, of what a path names. */
export async function readByte(path: string, readerOptions: Record<string, unknown>): Promise<void> {
  const source = openSource({ path, readerOptions });
  expect(Buffer.from(await source.read(0, 1)).toString()).toBe("x");
  await source.close?.();
}

/** The last test of a file: without its transport a scheme says which package to install. */
export function testWithout(schemes: readonly string[], name: string): void {
  test("without its transport the scheme says which package to install", () => {
    for (const scheme of schemes) {
      unregisterTransport(scheme);
      expect(() => openSource({ path: `${scheme}://scans/a.nii` })).toThrow(
        expect.objectContaining({ code: "ERR_UNSUPPORTED", message: expect.stringContaining(name) }),
      );
    }
  });
}
