import { spawn } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { encodeNiftiHeader, type NiftiHeader, parseNiftiHeader } from "@lazyimg/nifti-header";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { openImage } from "lazyimg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { countChanges, signalAt } from "../../../tests/support/signal-at.js";
import { formatDuration, Pace } from "../src/cli/progress.js";
import {
  BIN,
  GOLDEN,
  goldenSample,
  lazyimg,
  lazyimgJson,
  PHANTOM,
  start,
  temporaryFolder,
} from "./command.js";
import { sha256Of } from "./npy.js";

const folder = temporaryFolder();

/** Every file below a directory, by its path in it. */
function tree(root: string): Map<string, { readonly bytes: Buffer; readonly written: number }> {
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" }).filter((path) =>
    statSync(join(root, path)).isFile(),
  );
  return new Map(
    paths.map((path) => {
      const file = join(root, path);
      return [path, { bytes: readFileSync(file), written: statSync(file).mtimeMs }];
    }),
  );
}

/** Chunks of the full resolution in a tree. */
const chunksIn = (root: string): string[] =>
  existsSync(root) ? [...tree(root).keys()].filter((path) => /^\d+[/\\]c[/\\]/.test(path)) : [];

/** An image that takes a while: noise, which does not compress. */
function noise(size: number): Buffer {
  const header = encodeNiftiHeader({
    shape: [1, size, size, size],
    dtype: "int16",
    affine: [2, 0, 0, -9, 0, 2, 0, -8, 0, 0, 3, -7, 0, 0, 0, 1],
  });
  let state = 1;
  const voxels = Int16Array.from({ length: size ** 3 }, () => {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    return state >> 16;
  });
  return Buffer.concat([header, new Uint8Array(voxels.buffer)]);
}

/** What a header says, but for where the file keeps it, and an identity's spelling. */
function said(file: string): Partial<NiftiHeader> {
  const bytes = readFileSync(file);
  const header = parseNiftiHeader(new Uint8Array(bytes[0] === 0x1f ? gunzipSync(bytes) : bytes));
  const { voxOffset: _, singleFile: __, sclSlope: ___, sclInter: ____, ...fields } = header;
  // Sizes behind dim[0] mean nothing.
  return { ...fields, dim: fields.dim.slice(0, 1 + fields.dim[0]!) };
}

describe("to Zarr and back", () => {
  it("gives the file that it was, bit for bit", async () => {
    const [zarr, back, gzipped] = [
      join(folder, "phantom.nii.zarr"),
      join(folder, "phantom.nii"),
      join(folder, "phantom-2.nii.gz"),
    ];
    const told = await lazyimgJson("convert", PHANTOM, zarr);
    expect(told).toEqual({
      source: PHANTOM,
      output: zarr,
      shape: [1, 128, 150, 64],
      dtype: "int16",
      read: { bytes: expect.any(Number), requests: expect.any(Number) },
    });
    await lazyimgJson("convert", zarr, back);
    await lazyimgJson("convert", zarr, gzipped);
    const original = gunzipSync(readFileSync(PHANTOM));
    expect(readFileSync(back).equals(original)).toBe(true);
    expect(gunzipSync(readFileSync(gzipped)).equals(original)).toBe(true);
  });

  const plain = goldenSample(400).filter(({ name }) => /^(dtype|scaling|header|rank)\/.*\.nii$/.test(name));
  const sample = Array.from({ length: 10 }, (_, n) => plain[Math.floor((n * plain.length) / 10)]!);
  it.each(sample)("keeps header and voxels of $name", async ({ name, raw }) => {
    const stem = join(folder, name.replace(/\W/g, "-"));
    await lazyimgJson("convert", join(GOLDEN, name), `${stem}.nii.zarr`, "--chunk", "8");
    await lazyimgJson("convert", `${stem}.nii.zarr`, `${stem}.nii`);
    expect(said(`${stem}.nii`)).toEqual(said(join(GOLDEN, name)));
    const back = await openImage(`${stem}.nii`);
    expect(sha256Of(await back.dataobj.read(null, { scaled: false }))).toBe(raw.sha256);
    await back.close();
  });
});

describe("the ways to write Zarr", () => {
  interface Expected {
    readonly file: string;
    readonly text: readonly string[];
    readonly levels?: number;
  }
  const ways: readonly (readonly [args: string, expected: Expected])[] = [
    ["", { file: "0/zarr.json", text: ['"blosc"', '"lz4"', "64"], levels: 3 }],
    ["--zarr-format 2 --levels 1", { file: "0/.zarray", text: ['"blosc"', "64"], levels: 1 }],
    [
      "--zarr-format 2 --codec gzip --compression-level 9",
      { file: "0/.zarray", text: ['"gzip"', '"level": 9'] },
    ],
    ["--codec zstd --compression-level 1", { file: "0/zarr.json", text: ['"zstd"', '"level": 1'] }],
    ["--codec gzip --chunk 32,50,16", { file: "0/zarr.json", text: ['"gzip"', "16", "50", "32"] }],
    ["--codec none", { file: "0/zarr.json", text: ['"bytes"'] }],
    ["--chunk 16 --shard 64,64,32", { file: "0/zarr.json", text: ["sharding_indexed", "crc32c"] }],
    ["--levels 2 --downsample mode", { file: "zarr.json", text: ["multiscales"], levels: 2 }],
  ];

  it.each(ways)("%j", async (args, { file, text, levels }) => {
    const output = join(folder, `way ${args.replace(/\W+/g, "-")}.ome.zarr`);
    await lazyimgJson("convert", PHANTOM, output, ...args.split(" ").filter(Boolean));
    const metadata = readFileSync(join(output, file), "utf8");
    for (const part of text) expect(metadata).toContain(part);
    const [image, source] = await Promise.all([openImage(output), openImage(PHANTOM)]);
    if (levels !== undefined) expect(image.dataobj.levels).toHaveLength(levels);
    expect(image.affine).toEqual(source.affine);
    expect(sha256Of(await image.load())).toBe(sha256Of(await source.load()));
    await Promise.all([image.close(), source.close()]);
  });

  it("reads Zarr too, and URLs", async () => {
    const server = await misbehavingServer({ "scan.nii.gz": readFileSync(PHANTOM) });
    try {
      const [first, second] = [join(folder, "remote.zarr"), join(folder, "again.zarr")];
      const told = await lazyimgJson("convert", `${server.url}scan.nii.gz?token=secret`, first);
      expect(told.read).toMatchObject({ requests: expect.any(Number) });
      await lazyimgJson("convert", first, second, "--zarr-format", "2");
      await lazyimgJson("convert", second, `${second}.nii`);
      expect(readFileSync(`${second}.nii`).equals(gunzipSync(readFileSync(PHANTOM)))).toBe(true);
    } finally {
      await server.close();
    }
  });
});

describe("what is refused", () => {
  it.each([
    [["convert", "a.nii"], "Missing OUT"],
    [["convert", "a.nii", "b.tif"], "ends in .zarr, .nii or .nii.gz"],
    [["convert", "a.nii", "https://example.org/b.zarr"], "OUT is a path"],
    [["convert", "a.nii", "b.nii", "--chunk", "8"], "--chunk is for Zarr"],
    [["convert", "a.nii", "b.nii", "--resume"], "--resume is for Zarr"],
    [["convert", "a.nii", "b.zarr", "--chunk", "8,8"], "--chunk is one or three whole numbers"],
    [["convert", "a.nii", "b.zarr", "--shard", "big"], "--shard is one or three whole numbers"],
    [["convert", "a.nii", "b.zarr", "--shard", "64", "--zarr-format", "2"], "Zarr 2 has no shards"],
    [["convert", "a.nii", "b.zarr", "--zarr-format", "4"], "--zarr-format is one of 2, 3"],
    [["convert", "a.nii", "b.zarr", "--codec", "lzw"], "--codec is one of blosc, zstd, gzip, none"],
    [["convert", "a.nii", "b.zarr", "--compression-level", "3"], "is for --codec zstd and gzip"],
    [["convert", "a.nii", "b.zarr", "--codec", "gzip", "--compression-level", "10"], "from 1 to 9"],
    [["convert", "a.nii", "b.zarr", "--levels", "0"], "--levels is a whole number from 1 to 32"],
    [["convert", "a.nii", "b.zarr", "--downsample", "max"], "--downsample is one of mean, mode"],
  ])("%j", async (args, message) => {
    const { code, stdout, stderr } = await lazyimg(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toContain(message);
    expect(stderr).toContain("[ERR_USAGE]");
  });

  it.each([
    ["ERR_NOT_FOUND", [join(folder, "missing.nii"), join(folder, "x.zarr")]],
    ["ERR_TRUNCATED", [join(folder, "cut.nii"), join(folder, "x.zarr")]],
    ["ERR_NO_BACKEND", [join(folder, "cut.xyz"), join(folder, "x.zarr")]],
    ["ERR_IO", [PHANTOM, join(folder, "nowhere", "x.zarr")]],
    ["ERR_IO", [PHANTOM, join(folder, "nowhere", "x.nii.gz")]],
    ["ERR_INVALID_ARGUMENT", [PHANTOM, join(folder, "x.zarr"), "--chunk", "64", "--shard", "100"]],
  ])("%s: %j", async (expected, args) => {
    writeFileSync(join(folder, "cut.nii"), gunzipSync(readFileSync(PHANTOM)).subarray(0, 5000));
    writeFileSync(join(folder, "cut.xyz"), "");
    const { code, stderr } = await lazyimg("convert", ...args, "--json");
    expect(JSON.parse(stderr)).toEqual({ error: { code: expected, message: expect.any(String) } });
    expect(code).toBe(1);
    expect(existsSync(join(folder, "nowhere"))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.startsWith("x."))).toEqual([]);
  });

  it("a source that breaks off, after which nothing is left behind", async () => {
    const bytes = Buffer.from(readFileSync(PHANTOM));
    bytes.fill(0xff, bytes.length - 20_000, bytes.length - 10_000);
    writeFileSync(join(folder, "corrupt.nii.gz"), bytes);
    for (const output of ["broken.zarr", "broken.nii"]) {
      expect((await lazyimg("convert", join(folder, "corrupt.nii.gz"), join(folder, output))).code).toBe(1);
    }
    expect(readdirSync(folder).filter((name) => name.startsWith("broken"))).toEqual([]);
  });

  it.each(["there.nii.zarr", "there.nii", "there.nii.gz"])(
    "%s where it exists, without --force",
    async (name) => {
      const output = join(folder, name);
      await lazyimgJson("convert", PHANTOM, output);
      const before = statSync(output).mtimeMs;
      const { code, stderr } = await lazyimg("convert", PHANTOM, output);
      expect(code).toBe(1);
      expect(stderr).toMatch(/exists; .*--force\. \[ERR_EXISTS\]/);
      expect(statSync(output).mtimeMs).toBe(before);
      await lazyimgJson("convert", PHANTOM, output, "--force");
      expect(
        readdirSync(folder).filter((other) => other.startsWith(`${name}.`) && other !== `${name}.gz`),
      ).toEqual(name === "there.nii" ? ["there.nii.zarr"] : []);
    },
  );
});

describe("an interruption", () => {
  it("by Ctrl-C leaves nothing at OUT, and --resume goes on", async () => {
    const server = await misbehavingServer({ "noise.nii": noise(96) });
    const output = join(folder, "interrupted.nii.zarr");
    const args = ["convert", `${server.url}noise.nii?token=secret`, output, "--chunk", "16"];
    try {
      server.misbehave({ kind: "drip", bytes: 32 << 10, everyMs: 40 });
      const { child, outcome } = start(args);
      await expect.poll(() => chunksIn(`${output}.partial`).length).toBeGreaterThan(40);
      child.kill("SIGINT");
      const { code, stdout, stderr } = await outcome;
      expect({ code, stdout }).toEqual({ code: 130, stdout: "" });
      expect(stderr).toContain("the same command with --resume goes on with it. [ERR_INTERRUPTED]");
      expect(existsSync(output)).toBe(false);
      const before = tree(`${output}.partial`);
      expect(before.get(".lazyimg-journal")!.bytes.includes("secret")).toBe(false);

      server.behave();
      const otherwise = await lazyimg(...args, "--resume", "--codec", "gzip");
      expect(otherwise).toMatchObject({ code: 1, stderr: expect.stringContaining("ERR_INVALID_ARGUMENT") });
      await lazyimgJson(...args, "--resume");
      const after = tree(output);
      const kept = [...before].filter(([path]) => /^0[/\\]c/.test(path));
      expect(kept.length).toBeGreaterThan(40);
      const redone = kept.filter(([path, { written }]) => after.get(path)!.written !== written);
      // Those that were being written.
      expect(redone.length).toBeLessThanOrEqual(8);
      expect(existsSync(`${output}.partial`)).toBe(false);
      await lazyimgJson("convert", output, `${output}.nii`);
      expect(readFileSync(`${output}.nii`).equals(noise(96))).toBe(true);
    } finally {
      await server.close();
    }
  });

  it("of NIfTI leaves nothing at all", async () => {
    const server = await misbehavingServer({ "noise.nii": noise(64) });
    const output = join(temporaryFolder(), "a.nii");
    try {
      server.misbehave({ kind: "drip", bytes: 4096, everyMs: 50 }, { skip: 1 });
      const { child, outcome } = start(["convert", `${server.url}noise.nii`, output]);
      await expect.poll(() => server.requests).toBeGreaterThan(1);
      child.kill("SIGINT");
      expect(await outcome).toMatchObject({ code: 130, stdout: "" });
      expect(readdirSync(join(output, ".."))).toEqual([]);
    } finally {
      await server.close();
    }
  });

  it("is not resumed when the source has changed since", async () => {
    const source = join(folder, "changing.nii");
    const output = join(folder, "changing.zarr");
    writeFileSync(source, noise(64));
    const args = ["convert", source, output, "--chunk", "8"];
    // Of more than a thousand.
    expect((await signalAt(300, "SIGINT", [BIN, ...args])).code).toBe(130);
    expect(chunksIn(`${output}.partial`).length).toBeGreaterThan(0);
    utimesSync(source, new Date(), new Date(Date.now() + 5000));
    expect(await lazyimg(...args, "--resume")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("begun from another source or with other options"),
    });
    // Without --resume it begins anew.
    await lazyimgJson("convert", source, output, "--levels", "1");
    expect(existsSync(`${output}.partial`)).toBe(false);
  });
});

// A hundred times in CI: LAZYIMG_KILLS=100.
const KILLS = Number(process.env.LAZYIMG_KILLS ?? 6);
describe("kill -9", () => {
  const source = join(folder, "large.nii");
  const whole = join(folder, "whole.zarr");
  const commandTo = (output: string): string[] => [
    ...[BIN, "convert", source, output],
    ...["--chunk", "16", "--codec", "gzip", "--levels", "3", "--json"],
  ];
  let changes: number;
  beforeAll(async () => {
    writeFileSync(source, noise(144));
    const ended = await countChanges(commandTo(whole));
    expect(ended).toMatchObject({ code: 0, stderr: "" });
    changes = ended.changes;
  });

  it(
    "leaves nothing at OUT or all of it, and --resume redoes nothing that was finished",
    async () => {
      const expected = tree(whole);
      for (let n = 1; n <= KILLS; n++) {
        const output = join(folder, `killed-${n}.zarr`);
        const command = commandTo(output);
        // All along the way; the last one is when it is put in its place.
        const { signal } = await signalAt(Math.ceil((n * changes) / KILLS), "SIGKILL", command);
        const isAmid = n < 0.9 * KILLS;
        if (isAmid) expect([signal, existsSync(output)]).toEqual(["SIGKILL", false]);
        const before = existsSync(`${output}.partial`) ? tree(`${output}.partial`) : undefined;
        if (!existsSync(output)) {
          const resumed = await signalAt(0, "SIGKILL", [...command, "--resume"]);
          expect(resumed).toMatchObject({ code: 0, stderr: "" });
        }
        const after = tree(output);
        expect([...after.keys()].sort()).toEqual([...expected.keys()].sort());
        for (const [path, { bytes }] of expected) {
          if (!after.get(path)!.bytes.equals(bytes)) throw new Error(`${path} of killed-${n} is different`);
        }
        // A kill between the last chunk and the rename is resumed from the start.
        if (isAmid || before?.has(".lazyimg-journal")) {
          const chunks = [...(before ?? [])].filter(
            ([path]) => /[/\\]c[/\\]/.test(path) && !path.startsWith("nifti"),
          );
          // What was being written.
          const redone = chunks.filter(([path, { written }]) => after.get(path)!.written !== written);
          expect(redone.length).toBeLessThanOrEqual(8);
          if (isAmid && n > 0.1 * KILLS) expect(chunks.length).toBeGreaterThan(8);
        }
        expect(existsSync(`${output}.partial`)).toBe(false);
      }
    },
    60_000 * KILLS,
  );
});

describe("progress", () => {
  let server: Awaited<ReturnType<typeof misbehavingServer>>;
  beforeAll(async () => {
    server = await misbehavingServer({ "noise.nii": noise(96) });
    server.misbehave({ kind: "drip", bytes: 16 << 10, everyMs: 70 });
  });
  afterAll(() => server.close());
  const said = /converting \d+ %, [\d.]+ (B|KiB|MiB)\/s, \d+ (s|min \d+ s) left, [\d.]+ \w+ read/;

  it("is a line now and then where there is no terminal, and none with --json", async () => {
    const begun = performance.now();
    const [plain, json] = await Promise.all(
      [[], ["--json"]].map((more, n) =>
        lazyimg(
          "convert",
          `${server.url}noise.nii`,
          join(folder, `slow-${n}.zarr`),
          "--chunk",
          "16",
          ...more,
        ),
      ),
    );
    expect(plain!.code).toBe(0);
    expect(plain!.stderr).toMatch(said);
    expect(plain!.stderr).not.toContain("\r");
    // One every five seconds.
    const seconds = (performance.now() - begun) / 1000;
    expect(plain!.stderr.trim().split("\n").length).toBeLessThanOrEqual(seconds / 5);
    expect(json).toMatchObject({ code: 0, stderr: "" });
  });

  const hasScript = process.platform === "linux" && existsSync("/usr/bin/script");
  it.skipIf(!hasScript)("is one line on a terminal", async () => {
    const words = [
      process.execPath,
      BIN,
      "convert",
      `${server.url}noise.nii`,
      join(folder, "tty.zarr"),
      "--chunk",
      "16",
    ];
    const command = words.map((word) => `'${word}'`).join(" ");
    const child = spawn("/usr/bin/script", ["-qec", command, "/dev/null"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    let text = "";
    child.stdout.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
    });
    expect(await new Promise((resolve) => child.once("close", resolve))).toBe(0);
    const shown = text.split("\r\x1b[K");
    expect(shown.length).toBeGreaterThan(10);
    expect(shown.filter((line) => said.test(line)).length).toBeGreaterThan(5);
    // Nothing of it stays.
    expect(shown.at(-1)).toContain("tty.zarr: (1, 96, 96, 96) int16");
  });

  it("tells rate and time left from what this run did", () => {
    const pace = new Pace();
    expect(pace.text(0)).toBe("");
    const totalBytes = 100 << 20;
    pace.report({ bytes: 60 << 20, totalBytes }, 1000);
    expect(pace.text(1000)).toBe("");
    pace.report({ bytes: 70 << 20, totalBytes }, 6000);
    expect(pace.text(6000)).toBe(", 2.0 MiB/s, 15 s left");
    expect(pace.text(9000)).toBe(", 2.0 MiB/s, 12 s left");
    expect([59.2, 200, 7500].map(formatDuration)).toEqual(["1 min 0 s", "3 min 20 s", "2 h 5 min"]);
  });
});
