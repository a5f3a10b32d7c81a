import type { FileHandle } from "node:fs/promises";
import {
  bytesOf,
  DTYPES,
  type DType,
  type ImageDataBackend,
  isDType,
  type Shape4D,
  sizeOf,
  slice,
  type Tensor,
} from "@lazyimg/core";
import { Image } from "@lazyimg/image";
import { JSON_OUTPUT } from "./args.js";
import type { Command } from "./command.js";
import { UsageError } from "./errors.js";
import { formatTraffic } from "./format.js";
import { parseIndex } from "./index-text.js";
import { npyHeader } from "./npy.js";
import { open, SOURCE_OPTIONS } from "./open.js";
import { writeOutput } from "./output.js";
import type { Report } from "./progress.js";

/** A region larger than this is read and written in parts. */
const PART_BYTES = 256 << 20;

interface Reading {
  readonly signal: AbortSignal;
  readonly report: Report;
}

/** The same image with the values as they are stored, before scaling. */
function stored(image: Image): Image {
  const { dataobj } = image;
  const backend: ImageDataBackend = {
    shape: dataobj.shape,
    affine: dataobj.affine,
    affineSource: dataobj.affineSource,
    dtype: dataobj.dtype,
    read: (index, options) => dataobj.read(index, { ...options, scaled: false }),
    toTensor: (options) => dataobj.toTensor({ ...options, scaled: false }),
  };
  return new Image(backend);
}

/** One region after the other, along the slowest axis of the file: K of a single channel, or else the channels. */
async function* parts(image: Image, { signal, report }: Reading, partBytes: number): AsyncGenerator<Tensor> {
  const [channels, , , slices] = image.shape;
  const along = channels > 1 ? 0 : 3;
  const count = channels > 1 ? channels : slices;
  const thickness = Math.max(1, Math.floor(partBytes / (image.memory / count)));
  for (let start = 0; start < count; start += thickness) {
    const part = slice(start, start + thickness);
    const onProgress: Report = ({ bytes, totalBytes }) =>
      report({ bytes: start + (thickness * bytes) / totalBytes, totalBytes: count });
    yield await image.read(along === 0 ? [part] : ["...", part], { signal, onProgress });
  }
}

/**
 * Writes an image as .npy, in the order that its file suggests.
 *
 * @param partBytes most bytes to hold at once, where one channel or slice is no larger
 */
export async function writeNpy(
  file: FileHandle,
  image: Image,
  reading: Reading,
  partBytes: number = PART_BYTES,
): Promise<void> {
  let fortran: boolean | undefined;
  const { shape, valueDtype } = image;
  if (sizeOf(shape) === 0) {
    await file.writeFile(npyHeader(valueDtype, shape, false));
    return;
  }
  for await (const part of parts(image, reading, partBytes)) {
    if (fortran === undefined) {
      const whole = part.size === sizeOf(shape);
      // In parts, what is written first decides which axis is the slowest.
      fortran = whole ? part.isContiguous("F") : shape[0] === 1;
      await file.writeFile(npyHeader(valueDtype, shape, fortran));
    }
    await file.writeFile(bytesOf(part.contiguous(fortran ? "F" : "C").data));
    reading.signal.throwIfAborted();
  }
}

/** Whether the name is one that `read` writes. */
const isNpy = (path: string): boolean => /\.npy$/i.test(path);
const isNifti = (path: string): boolean => /\.nii(\.gz)?$/i.test(path);

function dtypeOf(name: string | undefined): DType | undefined {
  if (name === undefined || isDType(name)) return name;
  throw new UsageError(`--dtype is one of ${Object.keys(DTYPES).join(", ")}, not ${name}`);
}

export const read: Command = {
  summary: "read a region into a .npy or NIfTI file",
  details: `The index is numpy's, over (C, I, J, K): integers, slices, "..."; negative positions count from the end.
An integer keeps its axis, with size 1. NIfTI files keep the region where it lies in the world.`,
  operands: ["SRC"],
  options: {
    index: {
      type: "string",
      short: "i",
      value: "INDEX",
      help: 'the region, such as ":,10:20,...,::2"; default: all',
    },
    output: { type: "string", short: "o", value: "FILE", help: "where to: .npy, .nii or .nii.gz" },
    dtype: { type: "string", value: "DTYPE", help: "convert to this type, as numpy's astype" },
    raw: { type: "boolean", help: "values as they are stored, without the file's scaling" },
    ...JSON_OUTPUT,
    ...SOURCE_OPTIONS,
  },
  async run(args, context) {
    const source = args.operand("SRC");
    const output = args.required("output");
    if (!isNpy(output) && !isNifti(output)) {
      throw new UsageError(`--output ends in .npy, .nii or .nii.gz, not ${output}`);
    }
    const index = parseIndex(args.text("index") ?? "...");
    const dtype = dtypeOf(args.text("dtype"));
    const opened = await open(source, args, context);
    try {
      const { traffic } = opened;
      const { signal, progress } = context;
      const values = args.flag("raw") ? stored(opened.image) : opened.image;
      const region = (dtype === undefined ? values : values.to(dtype)).slice(index);
      await progress.during("reading", traffic, async (report) => {
        if (isNpy(output)) await writeOutput(output, (file) => writeNpy(file, region, { signal, report }));
        else {
          // Registers its writer.
          await import("@lazyimg/backend-nifti");
          await region.save(output, { signal, onProgress: report });
        }
      });
      const shape: Shape4D = region.shape;
      const dtypeRead = region.valueDtype;
      const counts = opened.counted ? { bytes: traffic.bytes, requests: traffic.requests } : null;
      if (args.flag("json")) {
        context.print(JSON.stringify({ source, output, shape, dtype: dtypeRead, read: counts }, null, 2));
      } else {
        context.print(`${output}: (${shape.join(", ")}) ${dtypeRead}`);
        if (counts !== null) context.print(`read ${formatTraffic(counts)}`);
      }
    } finally {
      await opened.close();
    }
  },
};
