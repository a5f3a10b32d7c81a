// Converts a made-up image to OUT: `node convert.mjs TRANSPORT OUT READER_OPTIONS OPTIONS`.
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { Tensor } from "@lazyimg/core";

const [transport, out, readerOptions, options] = process.argv.slice(2);
await import(transport);

const shape = [1, 16, 16, 640];
const data = Int16Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => (n * 7919) & 32767);
await writeNiftiZarr(tensorBackend(new Tensor({ data, dtype: "int16", shape })), out, {
  chunk: 8,
  levels: 1,
  readerOptions: JSON.parse(readerOptions),
  ...JSON.parse(options),
});
