import { mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { seekableGzipSuite } from "./suite.js";

const folder = mkdtempSync(join(tmpdir(), "lazyimg-"));
afterAll(() => rmSync(folder, { recursive: true }));

seekableGzipSuite(
  async (name) => new Uint8Array(await readFile(new URL(`fixtures/${name}`, import.meta.url))),
  join(folder, "not", "there", "yet"),
);
