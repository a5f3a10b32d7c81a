import { LazyImageError } from "@lazyimg/core";
import { PNG } from "pngjs";
import { JSON_OUTPUT } from "./args.js";
import type { Command } from "./command.js";
import { formatNumber, formatTraffic } from "./format.js";
import { open, SOURCE_OPTIONS } from "./open.js";
import { writeOutput } from "./output.js";
import { drawPlanes, type Picture } from "./picture.js";
import { isColour, readPlanes } from "./planes.js";

const DEFAULT_SIZE = 320;

function encodePng({ width, height, data }: Picture): Uint8Array {
  const png = new PNG({ width, height, inputHasAlpha: false, colorType: 2 });
  png.data = Buffer.from(data.buffer);
  return PNG.sync.write(png, { inputHasAlpha: false, colorType: 2 });
}

export const preview: Command = {
  summary: "draw the three planes through the middle of an image as a PNG",
  details: `The planes are drawn as radiologists look at them: the patient's right (R) is on the left. Grey values run from the
2nd to the 98th percentile of the three planes; 8-bit images of 3 or 4 channels are drawn in colour.`,
  operands: ["SRC"],
  options: {
    output: { type: "string", short: "o", value: "FILE", help: "where to: a .png file" },
    channel: { type: "string", value: "N", help: "draw this channel, from 0 on; default: 0, or colours" },
    size: {
      type: "string",
      value: "N",
      help: `pixels along the longest side of a plane; default: ${DEFAULT_SIZE}`,
    },
    ...JSON_OUTPUT,
    ...SOURCE_OPTIONS,
  },
  async run(args, context) {
    const source = args.operand("SRC");
    const output = args.required("output");
    const asked = args.wholeNumber("channel", 0, Number.MAX_SAFE_INTEGER);
    const size = args.wholeNumber("size", 16, 8192) ?? DEFAULT_SIZE;
    const opened = await open(source, args, context);
    try {
      const { image, traffic } = opened;
      const { signal, progress } = context;
      if (asked !== undefined && asked >= image.numChannels) {
        const most = image.numChannels - 1;
        throw new LazyImageError("ERR_INDEX", `There is no channel ${asked} in ${source}; use 0 to ${most}.`);
      }
      const channel = asked ?? (isColour(image) ? null : 0);
      const planes = await progress.during("reading", traffic, (report) =>
        readPlanes(image, channel, { signal, report }),
      );
      const { picture, window } = drawPlanes(planes, size);
      await writeOutput(output, (file) => file.writeFile(encodePng(picture)));
      const counts = opened.counted ? { bytes: traffic.bytes, requests: traffic.requests } : null;
      const { width, height } = picture;
      if (args.flag("json")) {
        context.print(
          JSON.stringify({ source, output, width, height, channel, window, read: counts }, null, 2),
        );
      } else {
        const grey =
          window === null ? "" : `, ${formatNumber(window.black)} to ${formatNumber(window.white)}`;
        context.print(`${output}: ${width} x ${height}${grey}`);
        if (counts !== null) context.print(`read ${formatTraffic(counts)}`);
      }
    } finally {
      await opened.close();
    }
  },
};
