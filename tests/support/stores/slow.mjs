// Converts to OUT from an image whose pieces come slowly: `node slow.mjs TRANSPORT OUT READER_OPTIONS OPTIONS`.
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { Tensor } from "@lazyimg/core";

const [transport, out, readerOptions, options] = process.argv.slice(2);
await import(transport);

const shape = [1, 16, 16, 640];
const data = Int16Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, n) => (n * 7919) & 32767);
const inner = tensorBackend(new Tensor({ data, dtype: "int16", shape }));
const slow = {
  ...inner,
  async read(index, given) {
    await new Promise((resolve) => setTimeout(resolve, 25));
    return inner.read(index, given);
  },
};
await writeNiftiZarr(slow, out, {
  chunk: 8,
  levels: 1,
  readerOptions: JSON.parse(readerOptions),
  ...JSON.parse(options),
});
