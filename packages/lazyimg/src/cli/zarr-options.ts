import type { WriteZarrDirectoryOptions, ZarrCodec } from "@lazyimg/backend-zarr/write";
import type { Arguments, OptionSpec } from "./args.js";
import { UsageError } from "./errors.js";

const CODECS: readonly string[] = ["blosc", "zstd", "gzip", "none"] satisfies ZarrCodec[];

/** What is about how Zarr is written, and means nothing for NIfTI. */
export const ZARR_OPTIONS: Readonly<Record<string, OptionSpec>> = {
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
  resume: { type: "boolean", help: "go on with what an interrupted conversion left" },
};

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

/** @throws UsageError */
export function zarrOptionsOf(args: Arguments): WriteZarrDirectoryOptions {
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
