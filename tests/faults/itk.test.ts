import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, symlink, truncate, writeFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { itk } from "@lazyimg/reader-itk/backend";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { openImage } from "lazyimg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GOLDEN, golden } from "../support/golden.js";
import { type FormatFacts, tensorOf } from "../support/vectors.js";
import { Scratch } from "./support/sample.js";
import { expectVoxels } from "./support/voxels.js";

/** What ITK reads is read once, all of it: faults of storage and network come when it is opened, and not later. */

const NAME = "int16.gipl";
const bytes = new Uint8Array(readFileSync(`${GOLDEN}itk/${NAME}`));
const expected = tensorOf(golden<Record<string, FormatFacts>>("itk/expected.json")[NAME]!);
const scratch = new Scratch();
const unix = process.platform !== "win32";
const open = (source: string | URL, readerOptions = {}) =>
  openImage(source, { backends: [itk], readerOptions });
beforeAll(() => writeFile(scratch.at(NAME), bytes));
afterAll(() => scratch.remove());

test.each(["with spaces", "ünï cödé 脳", ...(unix ? ["100%", "%20", "a#b", "q?x=1"] : [])])(
  "%s, on disk and on a server",
  async (name) => {
    await mkdir(scratch.at(name));
    const file = scratch.at(name, `${name}.gipl`);
    await writeFile(file, bytes);
    const server = await misbehavingServer({ [`${name}/${name}.gipl`]: bytes });
    const [folder, leaf] = [name, `${name}.gipl`].map(encodeURIComponent);
    for (const source of [file, pathToFileURL(file), `${server.url}${folder}/${leaf}`]) {
      const image = await open(source);
      expectVoxels(await image.read(), expected);
      await image.close();
    }
    await server.close();
  },
);

test("what becomes of the file once it is open does not matter", async () => {
  await writeFile(scratch.at("open.gipl"), bytes);
  const image = await open(scratch.at("open.gipl"));
  await truncate(scratch.at("open.gipl"), 300);
  expectVoxels(await image.read(), expected);
  await image.close();
});

describe.skipIf(!unix)("what is no file", () => {
  test.each(["pipe", "zero", "folder"])("%s is ERR_UNSUPPORTED, at once", async (kind) => {
    const path = scratch.at(`${kind}.gipl`);
    if (kind === "pipe") execFileSync("mkfifo", [path]);
    else if (kind === "zero") await symlink("/dev/zero", path);
    else await mkdir(path);
    await expect(open(path)).rejects.toMatchObject({ code: "ERR_UNSUPPORTED" });
  });
});

describe("a server", () => {
  test.each([
    ["resets at first", { kind: "reset", bytes: 100 }, 2],
    ["ends bodies early at first", { kind: "truncate", bytes: 100 }, 2],
    ["sends fewer bytes at first", { kind: "short", bytes: 100 }, 2],
    ["stalls at first", { kind: "hang" }, 1],
    ["is busy at first", { kind: "status", status: 503, retryAfter: 0 }, 2],
    ["ignores ranges", { kind: "ignore-range" }, 99],
    ["drips", { kind: "drip", bytes: 100, everyMs: 1 }, 99],
  ] as const)("that %s is read from", async (_, fault, times) => {
    const server = await misbehavingServer({ [NAME]: bytes });
    server.misbehave(fault, { times });
    const image = await open(server.url + NAME, { retries: 3, timeout: 2000 });
    expectVoxels(await image.read(), expected);
    await image.close();
    await server.close();
  });

  test.each([
    ["resets", { kind: "reset", bytes: 100 }, "ERR_HTTP"],
    ["stalls", { kind: "hang" }, "ERR_HTTP"],
    ["refuses", { kind: "status", status: 403 }, "ERR_HTTP"],
    ["has it no more", { kind: "status", status: 404 }, "ERR_NOT_FOUND"],
    ["compresses ranges", { kind: "gzip" }, "ERR_HTTP"],
    ["sends another range", { kind: "content-range", value: "bytes 7-9/1000" }, "ERR_HTTP"],
  ] as const)("that %s is an error", async (_, fault, code) => {
    const server = await misbehavingServer({ [NAME]: bytes });
    server.misbehave(fault);
    await expect(open(server.url + NAME, { retries: 1, timeout: 200 })).rejects.toMatchObject({ code });
    await server.close();
  });
});
