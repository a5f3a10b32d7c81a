import { LazyImageError } from "@lazyimg/core";
import * as v from "valibot";
import { shown } from "./shown.js";

/** Times that a job is tried before it counts as failed. */
export const ATTEMPTS = 3;

type Sizes = [i: number, j: number, k: number];

/** How a conversion is to be written: the options of `writeNiftiZarr` that shape it. */
export interface Writing {
  zarrFormat?: 2 | 3 | undefined;
  chunk?: number | Sizes | undefined;
  shard?: number | Sizes | undefined;
  codec?: "blosc" | "zstd" | "gzip" | "none" | undefined;
  compressionLevel?: number | undefined;
  levels?: number | undefined;
  downsample?: "mean" | "mode" | undefined;
}

/** Some pieces of a conversion. */
export interface ConvertPayload {
  kind: "convert";
  run: string;
  /** What is converted, how and to where, as a hash: a worker that would do something else does nothing. */
  plan: string;
  source: string;
  output: string;
  writing: Writing;
  first: number;
  count: number;
}

/** One region of an image, for somebody's own function. */
export interface MapPayload {
  kind: "map";
  run: string;
  source: string;
  module: string;
  options: unknown;
  size: Sizes;
  halo: Sizes;
  region: number;
}

/** What a job on the queue holds: names and numbers, and no credentials. */
export type Payload = ConvertPayload | MapPayload;

/** What became of a job: it was done, or it failed for good. */
export interface LogEntry {
  job: string;
  /** What somebody's own function gave. */
  value?: unknown;
  error?: { code: string; message: string } | undefined;
}

const number = (least: number, most: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(least), v.maxValue(most));
const count = (least: number) => number(least, Number.MAX_SAFE_INTEGER);
const size = number(1, 4096);
const sizes = v.union([size, v.tuple([size, size, size])]);
const voxels = (least: number) =>
  v.tuple([number(least, 65_536), number(least, 65_536), number(least, 65_536)]);
const location = v.pipe(v.string(), v.minLength(1), v.maxLength(8192));
const id = v.pipe(v.string(), v.regex(/^[0-9a-f]{32}$/));

const writingFields = {
  zarrFormat: v.optional(v.picklist([2, 3])),
  chunk: v.optional(sizes),
  shard: v.optional(sizes),
  codec: v.optional(v.picklist(["blosc", "zstd", "gzip", "none"])),
  compressionLevel: v.optional(number(1, 22)),
  levels: v.optional(number(1, 32)),
  downsample: v.optional(v.picklist(["mean", "mode"])),
};
const writing: v.GenericSchema<unknown, Writing> = v.strictObject(writingFields);

const payload: v.GenericSchema<unknown, Payload> = v.variant("kind", [
  v.strictObject({
    kind: v.literal("convert"),
    run: id,
    plan: id,
    source: location,
    output: location,
    writing,
    first: count(0),
    count: count(1),
  }),
  v.strictObject({
    kind: v.literal("map"),
    run: id,
    source: location,
    module: location,
    options: v.unknown(),
    size: voxels(1),
    halo: voxels(0),
    region: count(0),
  }),
]);

/** What workers say is shown by planners: it has come through a queue that others may write to. */
const said = v.pipe(
  v.string(),
  v.transform((text) => shown(text, 2000)),
);

const entry: v.GenericSchema<unknown, LogEntry> = v.object({
  job: v.string(),
  value: v.optional(v.unknown()),
  error: v.optional(v.object({ code: said, message: said })),
});

/** @throws LazyImageError `ERR_INVALID_ARGUMENT` for what is no job of this package's */
export function parsePayload(data: unknown): Payload {
  const parsed = v.safeParse(payload, data);
  if (parsed.success) return parsed.output;
  const [issue] = parsed.issues;
  const where = shown(v.getDotPath(issue) ?? "its data");
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    `This is no job of @lazyimg/distributed: ${where}: ${shown(issue.message, 200)}`,
  );
}

/** The options of a conversion that workers need. */
export function writingOf(options: Readonly<Record<string, unknown>>): Writing {
  const known = Object.keys(writingFields).map((name) => [name, options[name]] as const);
  return v.parse(writing, Object.fromEntries(known.filter(([, value]) => value !== undefined)));
}

/** An entry of a log; `undefined` for what is none. */
export function parseEntry(text: string): LogEntry | undefined {
  try {
    return v.parse(entry, JSON.parse(text));
  } catch {
    return undefined;
  }
}
