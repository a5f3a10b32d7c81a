import { basename, dirname } from "node:path";
import { LazyImageError, type Shape4D } from "@lazyimg/core";
import type { Arguments } from "./args.js";
import type { Context } from "./command.js";
import { Interrupted, UsageError } from "./errors.js";
import { type Opened, open } from "./open.js";
import type { Report } from "./progress.js";
import { isRemote, isZarr, sourceIdOf, stampOf } from "./source-id.js";
import { ZARR_OPTIONS, zarrOptionsOf } from "./zarr-options.js";

/** An image that is to be written. */
export interface Writing {
  readonly opened: Opened;
  readonly source: string;
  readonly output: string;
}

/** What writes an image: this process, or others by its order. */
export type Writer = (writing: Writing, context: Context, onProgress: Report) => Promise<void>;

/** What was converted. */
export interface Converted {
  readonly source: string;
  readonly output: string;
  readonly shape: Shape4D;
  readonly dtype: string;
  /** What this process read, where that was counted. */
  readonly read: { readonly bytes: number; readonly requests: number } | null;
}

const isNifti = (path: string): boolean => /\.nii(\.gz)?$/i.test(path);

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
  if (isRemote(output)) {
    return new Interrupted(
      interrupted.signal,
      `What is done stays beneath ${output}, where nothing is to be seen yet; the same command with --resume goes on with it.`,
    );
  }
  const partial = `${output.replace(/(?<=.)[/\\]+$/, "")}.partial`;
  if ((await stampOf(partial)) === undefined) return interrupted;
  return new Interrupted(
    interrupted.signal,
    `What is done is in ${partial}; the same command with --resume goes on with it.`,
  );
}

/** Checks what is wanted of OUT. @throws UsageError */
export function checkOutput(output: string, args: Arguments): void {
  if (!(isNifti(output) || isZarr(output)) || /^https?:/i.test(output)) {
    throw new UsageError(
      `OUT is a path, or a URL of an object store, that ends in .zarr, .nii or .nii.gz, not ${output}`,
    );
  }
  if (isNifti(output)) {
    const given = Object.keys(ZARR_OPTIONS).find((name) => args.text(name) !== undefined);
    if (given !== undefined) throw new UsageError(`--${given} is for Zarr, and ${output} is NIfTI`);
  } else zarrOptionsOf(args);
}

/** Writes in this process. */
export const writeHere =
  (args: Arguments): Writer =>
  async ({ opened, source, output }, { signal }, onProgress) => {
    const { dataobj } = opened.image;
    if (isNifti(output)) {
      const { writeNifti } = await import("@lazyimg/backend-nifti");
      await writeNifti(dataobj, output, { signal, onProgress, ifAbsent: !args.flag("force") });
      return;
    }
    const options = zarrOptionsOf(args);
    const sourceId = await sourceIdOf(source, args, opened, signal);
    const { writeNiftiZarr } = await import("@lazyimg/backend-zarr/write");
    await writeNiftiZarr(dataobj, output, { ...options, sourceId, signal, onProgress });
  };

/** Converts one image. */
export async function convertOne(
  { source, output }: Pick<Writing, "source" | "output">,
  write: Writer,
  args: Arguments,
  context: Context,
): Promise<Converted> {
  if (!isRemote(output)) await checkPlace(output, args.flag("force"));
  const opened = await open(source, args, context);
  const { image, traffic } = opened;
  try {
    await context.progress.during(
      "converting",
      traffic,
      (report) => write({ opened, source, output }, context, report),
      { pace: true, lines: !args.flag("json") },
    );
    const { shape, dtype } = image;
    const read = opened.counted ? { bytes: traffic.bytes, requests: traffic.requests } : null;
    return { source, output, shape, dtype, read };
  } catch (error) {
    const { reason } = context.signal;
    throw reason instanceof Interrupted && isZarr(output) ? await withHowToResume(reason, output) : error;
  } finally {
    await opened.close();
  }
}
