import { stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { WriteZarrDirectoryOptions, ZarrCodec } from "@lazyimg/backend-zarr/write";
import { openSource } from "@lazyimg/byte-source";
import { LazyImageError } from "@lazyimg/core";
import { type Arguments, JSON_OUTPUT, type OptionSpec } from "./args.js";
import type { Command, Context } from "./command.js";
import { Interrupted, UsageError } from "./errors.js";
import { formatTraffic } from "./format.js";
import { headersOf, type Opened, open, SOURCE_OPTIONS } from "./open.js";
import type { Report } from "./progress.js";

const CODECS: readonly string[] = ["blosc", "zstd", "gzip", "none"] satisfies ZarrCodec[];

/** What is about how Zarr is written, and means nothing for NIfTI. */
const ZARR_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  "zarr-format": { type: "string", value: "2|3", help: "version of Zarr; default: 3" },
  chunk: {
    type: "string",
    value: "N|I,J,K",
    help: "voxels of a chunk, along all axes or along each; default: 64",
  },
  shard: {
    type: "string",
    value: "N|I,J,K",
    help: "voxels of a shard, multiples of the chunk's; default: none",
  },
  codec: { type: "string", value: "CODEC", help: `${CODECS.join(", ")}; default: blosc` },
  "compression-level": {
    type: "string",
    value: "N",
    help: "of zstd, 1 to 22, default 3; of gzip, 1 to 9, default 5",
  },
  levels: {
    type: "string",
    value: "N",
    help: "levels of the pyramid; default: until one chunk holds the last",
  },
  downsample: {
    type: "string",
    value: "mean|mode",
    help: "mean for intensities, the default; mode for labels",
  },
  resume: { type: "boolean", help: "go on with what an interrupted conversion left in OUT.partial" },
};

const isNifti = (path: string): boolean => /\.nii(\.gz)?$/i.test(path);
const isZarr = (path: string): boolean => /\.zarr[/\\]*$/i.test(path);
const isRemote = (path: string): boolean => /^(?!file:)[a-z][a-z0-9+.-]+:\/\//i.test(path);

/** `64` or `64,64,32`. */
function sizesOf(args: Arguments, name: string): number | [number, number, number] | undefined {
  const text = args.text(name);
  if (text === undefined) return undefined;
  const sizes = text.split(",").map((part) => (/^\s*\d+\s*$/.test(part) ? Number(part) : Number.NaN));
  if ((sizes.length !== 1 && sizes.length !== 3) || !sizes.every((size) => size >= 1 && size <= 4096)) {
    throw new UsageError(
      `--${name} is one or three whole numbers from 1 to 4096, such as 64 or 64,64,32, not ${text}`,
    );
  }
  return sizes.length === 1 ? sizes[0]! : (sizes as [number, number, number]);
}

function choiceOf(args: Arguments, name: string, choices: readonly string[]): string | undefined {
  const text = args.text(name);
  if (text === undefined || choices.includes(text)) return text;
  throw new UsageError(`--${name} is one of ${choices.join(", ")}, not ${text}`);
}

function zarrOptionsOf(args: Arguments): WriteZarrDirectoryOptions {
  const format = choiceOf(args, "zarr-format", ["2", "3"]);
  const codec = choiceOf(args, "codec", CODECS) as ZarrCodec | undefined;
  const compressionLevel = args.wholeNumber("compression-level", 1, codec === "gzip" ? 9 : 22);
  if (compressionLevel !== undefined && codec !== "zstd" && codec !== "gzip") {
    throw new UsageError("--compression-level is for --codec zstd and gzip");
  }
  if (format === "2" && args.text("shard") !== undefined) {
    throw new UsageError("Zarr 2 has no shards; leave out --shard or --zarr-format");
  }
  return {
    zarrFormat: format === "2" ? 2 : 3,
    chunk: sizesOf(args, "chunk"),
    shard: sizesOf(args, "shard"),
    codec,
    compressionLevel,
    levels: args.wholeNumber("levels", 1, 32),
    downsample: choiceOf(args, "downsample", ["mean", "mode"]) as "mean" | "mode" | undefined,
    force: args.flag("force"),
    resume: args.flag("resume"),
  };
}

/** Size and date of a file or directory; `undefined` where there is none. */
async function stampOf(path: string): Promise<string | undefined> {
  try {
    const { size, mtimeMs } = await stat(path);
    return `${size} ${mtimeMs}`;
  } catch {
    return undefined;
  }
}

/** Where the metadata of a Zarr hierarchy are: its directory's own date tells little. */
const ROOTS = ["zarr.json", ".zattrs", ".zarray", "nifti/0", "nifti/c/0"];

/** The other half of a pair. */
function siblingsOf(path: string): string[] {
  const [, stem, half] = /^(.*)\.(hdr|img)(\.gz)?$/i.exec(path) ?? [];
  const other = half?.toLowerCase() === "hdr" ? "img" : "hdr";
  return stem === undefined ? [] : [`${stem}.${other}`, `${stem}.${other}.gz`];
}

/** What tells whether a source is still the same: its place, size and date; for a URL its version, as the server says. */
async function sourceIdOf(
  source: string,
  args: Arguments,
  { traffic }: Opened,
  signal: AbortSignal,
): Promise<string> {
  if (isRemote(source)) {
    const isHttp = /^https?:/i.test(source);
    const fetch = isHttp ? traffic.fetch(headersOf(args)) : undefined;
    // Signatures in a query change, and belong into no file.
    const [, location = source, query = ""] = (isHttp && /^([^?#]*)(.*)$/s.exec(source)) || [];
    const place = location.replace(/\/+$/, "");
    const versions: (string | null)[] = [];
    for (const suffix of isZarr(place) ? ROOTS.map((name) => `/${name}`) : [""]) {
      const file = openSource({ path: place + suffix + query, fetch });
      // Many servers tell none, and most of a hierarchy's roots are not there.
      versions.push((await file.version?.({ signal }).catch(() => null)) ?? null);
      await file.close?.();
    }
    signal.throwIfAborted();
    return JSON.stringify([place, ...versions]);
  }
  const path = /^file:/i.test(source) ? fileURLToPath(source) : source;
  const parts = [path, ...siblingsOf(path), ...(isZarr(path) ? ROOTS.map((name) => join(path, name)) : [])];
  return JSON.stringify([path, ...(await Promise.all(parts.map(stampOf)))]);
}

/** @throws LazyImageError `ERR_EXISTS`, and `ERR_IO` where the folder that it is to be in is not there */
async function checkPlace(output: string, force: boolean): Promise<void> {
  const path = output.replace(/(?<=.)[/\\]+$/, "");
  if (!force && (await stampOf(path)) !== undefined) {
    throw new LazyImageError("ERR_EXISTS", `${path} exists; remove it, or replace it with --force.`);
  }
  if ((await stampOf(dirname(path))) === undefined) {
    throw new LazyImageError(
      "ERR_IO",
      `Cannot write ${basename(path)}: there is no folder ${dirname(path)}; make it first.`,
    );
  }
}

/** The interruption, with how to go on, for who pressed Ctrl-C. */
async function withHowToResume(interrupted: Interrupted, output: string): Promise<Interrupted> {
  const partial = `${output.replace(/(?<=.)[/\\]+$/, "")}.partial`;
  if ((await stampOf(partial)) === undefined) return interrupted;
  return new Interrupted(
    interrupted.signal,
    `What is done is in ${partial}; the same command with --resume goes on with it.`,
  );
}

async function write(
  opened: Opened,
  output: string,
  args: Arguments,
  { signal }: Context,
  onProgress: Report,
): Promise<void> {
  const { dataobj } = opened.image;
  if (isNifti(output)) {
    const { writeNifti } = await import("@lazyimg/backend-nifti");
    await writeNifti(dataobj, output, { signal, onProgress });
    return;
  }
  const options = zarrOptionsOf(args);
  const sourceId = await sourceIdOf(args.operand("IN"), args, opened, signal);
  const { writeNiftiZarr } = await import("@lazyimg/backend-zarr/write");
  await writeNiftiZarr(dataobj, output, { ...options, sourceId, signal, onProgress });
}

export const convert: Command = {
  summary: "write an image as NIfTI-Zarr, or as NIfTI",
  details: `IN is a path or an http(s) URL of any image that is opened. OUT is a path that ends in .zarr (a directory), .nii or
.nii.gz. Voxels are written as they are stored, with scaling and header; memory does not grow with the image.
There is nothing at OUT until it is complete.`,
  operands: ["IN", "OUT"],
  options: {
    ...ZARR_OPTIONS,
    force: { type: "boolean", help: "replace OUT" },
    ...JSON_OUTPUT,
    ...SOURCE_OPTIONS,
  },
  async run(args, context) {
    const source = args.operand("IN");
    const output = args.operand("OUT");
    if (!(isNifti(output) || isZarr(output)) || /^[a-z][a-z0-9+.-]+:\/\//i.test(output)) {
      throw new UsageError(`OUT is a path that ends in .zarr, .nii or .nii.gz, not ${output}`);
    }
    if (isNifti(output)) {
      const given = Object.keys(ZARR_OPTIONS).find((name) => args.text(name) !== undefined);
      if (given !== undefined) throw new UsageError(`--${given} is for Zarr, and ${output} is NIfTI`);
    } else zarrOptionsOf(args);
    await checkPlace(output, args.flag("force"));
    const opened = await open(source, args, context);
    const { image, traffic } = opened;
    try {
      const json = args.flag("json");
      await context.progress.during(
        "converting",
        traffic,
        (report) => write(opened, output, args, context, report),
        { pace: true, lines: !json },
      );
      const { shape, dtype } = image;
      const counts = opened.counted ? { bytes: traffic.bytes, requests: traffic.requests } : null;
      if (json) context.print(JSON.stringify({ source, output, shape, dtype, read: counts }, null, 2));
      else {
        context.print(`${output}: (${shape.join(", ")}) ${dtype}`);
        if (counts !== null) context.print(`read ${formatTraffic(counts)}`);
      }
    } catch (error) {
      const { reason } = context.signal;
      throw reason instanceof Interrupted && isZarr(output) ? await withHowToResume(reason, output) : error;
    } finally {
      await opened.close();
    }
  },
};
