import { JSON_OUTPUT } from "./args.js";
import type { Command } from "./command.js";
import { type Converted, checkOutput, convertOne, type Writer, writeHere } from "./convert-one.js";
import { formatTraffic } from "./format.js";
import { SOURCE_OPTIONS } from "./open.js";
import { ZARR_OPTIONS } from "./zarr-options.js";

export const convert: Command = {
  summary: "write an image as NIfTI-Zarr, or as NIfTI",
  details: `IN is a path or an http(s) URL of any image that is opened. OUT is a path that ends in .zarr (a directory), .nii or
.nii.gz, or such a URL of an object store (s3://, gs://, az://) whose transport --plugin imports. Voxels are written as they
are stored, with scaling and header; memory does not grow with the image.
There is nothing at OUT until it is complete.`,
  operands: ["IN", "OUT"],
  operandsUnless: "list",
  options: {
    ...ZARR_OPTIONS,
    force: { type: "boolean", help: "replace OUT" },
    list: {
      type: "string",
      value: "FILE",
      help: "convert what FILE says: a line for each, IN, a tab and OUT",
    },
    queue: {
      type: "string",
      value: "URL",
      help: "have it done by those that lazyimg worker started: redis://host or rediss://host",
    },
    ...JSON_OUTPUT,
    ...SOURCE_OPTIONS,
  },
  async run(args, context) {
    const list = args.text("list");
    const pair = list === undefined ? { source: args.operand("IN"), output: args.operand("OUT") } : undefined;
    if (pair !== undefined) checkOutput(pair.output, args);
    const convertBy = async (write: Writer): Promise<void> => {
      if (pair === undefined) {
        const { convertList } = await import("./convert-list.js");
        await convertList(list!, write, args, context);
      } else print(await convertOne(pair, write, args, context));
    };
    const print = ({ read, ...told }: Converted): void => {
      if (args.flag("json")) context.print(JSON.stringify({ ...told, read }, null, 2));
      else {
        context.print(`${told.output}: (${told.shape.join(", ")}) ${told.dtype}`);
        if (read !== null) context.print(`read ${formatTraffic(read)}`);
      }
    };
    const queue = args.text("queue");
    if (queue === undefined) return convertBy(writeHere(args));
    const { withQueue } = await import("./queue.js");
    await withQueue(queue, args, convertBy);
  },
};
