import { promisify } from "node:util";
import { gzip } from "node:zlib";
import { openSource } from "@lazyimg/byte-source";
import { requestName } from "@lazyimg/core";
import { buildIndex, writeIndex } from "@lazyimg/seekable-gzip";
import { JSON_OUTPUT } from "./args.js";
import type { Command } from "./command.js";
import { formatBytes } from "./format.js";
import { headersOf, SOURCE_OPTIONS } from "./open.js";
import { writeOutput } from "./output.js";
import { Traffic } from "./traffic.js";

/** What `index --json` prints: stable, documented in the package's README. */
interface Indexed {
  readonly source: string;
  readonly output: string;
  /** Bytes of the index as it was written. */
  readonly bytes: number;
  readonly points: number;
  /** Least uncompressed bytes between two points. */
  readonly spacing: number;
  readonly compressedSize: number;
  readonly size: number;
}

/** Beside the file that it is of; of a URL, in the current folder. */
function defaultOutput(source: string): string {
  const isUrl = /^[a-z][a-z0-9+.-]+:/i.test(source);
  return `${isUrl ? requestName({ path: source }) : source}.gzidx`;
}

export const index: Command = {
  summary: "write an index beside a gzipped file, so that any part of it opens quickly",
  details: `Checks all of the file on the way. SRC.gzidx is found by its name when SRC is read, here and by URL; it is in the
format of indexed_gzip. Make it again when SRC changes.`,
  operands: ["SRC"],
  options: {
    output: { type: "string", short: "o", value: "FILE", help: "write here instead of SRC.gzidx" },
    spacing: {
      type: "string",
      value: "MIB",
      help: "uncompressed distance of its points (1); each takes 32 KiB",
    },
    compress: { type: "boolean", help: "gzip the index; only lazyimg reads it then" },
    ...JSON_OUTPUT,
    header: SOURCE_OPTIONS.header!,
  },
  async run(args, { signal, progress, print }) {
    const path = args.operand("SRC");
    const output = args.text("output") ?? defaultOutput(path);
    const spacing = args.wholeNumber("spacing", 1, 1024);
    const traffic = new Traffic();
    const source = openSource({ path, fetch: traffic.fetch(headersOf(args)) });
    try {
      const built = await progress.during(
        "indexing",
        traffic,
        (report) =>
          buildIndex(source, {
            signal,
            spacing: spacing && spacing * 2 ** 20,
            onProgress: ({ bytes, totalBytes }) => report({ bytes, totalBytes: totalBytes ?? 0 }),
          }),
        { pace: true },
      );
      const plain = writeIndex(built);
      const bytes = args.flag("compress") ? await promisify(gzip)(plain) : plain;
      await writeOutput(output, async (file) => {
        await file.writeFile(bytes);
      });
      const { compressedSize, size } = built;
      const facts: Indexed = {
        ...{ source: path, output, bytes: bytes.length, points: built.points.length },
        ...{ spacing: built.spacing, compressedSize, size },
      };
      if (args.flag("json")) print(JSON.stringify(facts, null, 2));
      else {
        print(
          `${output}: ${facts.points} points, ${formatBytes(facts.bytes)}, of ${formatBytes(compressedSize)} that hold ${formatBytes(size)}`,
        );
      }
    } finally {
      await source.close?.();
    }
  },
};
