import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import * as zlib from "node:zlib";
import { bytesOf } from "@lazyimg/core";
import { describe, expect, test } from "vitest";
import { images, voxels } from "./golden.js";

/** What is read where WebAssembly is forbidden (a Content-Security-Policy) or has no SIMD. */

const script = fileURLToPath(new URL("without-wasm.mjs", import.meta.url));
const folder = fileURLToPath(new URL("../../../tests/golden/zarr/", import.meta.url));
const pathOf = (name: string): string => `${folder}${name}.zarr.zip`;
const named = (pattern: RegExp): string[] => Object.keys(images).filter((name) => pattern.test(name));

const plain = [...named(/blosc-(lz4|zlib|blosclz)/), ...named(/^v.-(gzip|zlib|none|crc32c|dtype-.*)$/)];
const zstd = named(/^(v.|niizarr-v.)-zstd$|blosc-zstd/);

interface Answer {
  readonly voxels?: string;
  readonly code?: string;
  readonly message?: string;
}

function read(mode: "none" | "no-simd", names: readonly string[]): Map<string, Answer> {
  const lines = execFileSync(process.execPath, [script, mode, ...names.map(pathOf)], {
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  const answers = lines.trim().split("\n");
  return new Map(names.map((name, n) => [name, JSON.parse(answers[n]!) as Answer]));
}

const wanted = (name: string): Answer => ({
  voxels: Buffer.from(bytesOf(voxels(images[name]!.raw).data)).toString("base64"),
});

test("there are images of each kind", () => {
  for (const names of [plain, zstd]) expect(names.length).toBeGreaterThan(0);
});

describe("without SIMD", () => {
  const names = [...plain, ...zstd];
  const answers = read("no-simd", names);
  test.each(names)("%s is read", (name) => {
    expect(answers.get(name)).toEqual(wanted(name));
  });
});

describe("without WebAssembly", () => {
  // Node decodes zstd itself from 22.15 on.
  const native = "zstdDecompressSync" in zlib;
  const readable = native ? [...plain, ...zstd] : plain;
  const answers = read("none", [...plain, ...zstd]);

  test.each(readable)("%s is read", (name) => {
    expect(answers.get(name)).toEqual(wanted(name));
  });

  test.each(native ? [] : zstd)("%s says what it would take", (name) => {
    expect(answers.get(name)).toMatchObject({
      code: "ERR_UNSUPPORTED",
      message: expect.stringContaining("wasm-unsafe-eval"),
    });
  });
});
