// A worker: `node worker.mjs URL OPTIONS`, options in JSON. Says what it does in lines. With a channel to a test it asks
// there before it puts a file in its place, and ends when it is told to.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import "@lazyimg/backend-nifti";
import "@lazyimg/backend-zarr";
import { runWorker } from "@lazyimg/distributed";

const [url, options] = process.argv.slice(2);
const controller = new AbortController();
process.once("SIGTERM", () => controller.abort());

if (process.channel) {
  const { rename } = fs.promises;
  const asked = new Map();
  let last = 0;
  fs.promises.rename = async (from, to) => {
    const number = ++last;
    await new Promise((resolve) => {
      asked.set(number, resolve);
      process.send({ number, file: to });
    });
    await rename(from, to);
  };
  syncBuiltinESMExports();
  process.on("message", (message) => {
    if (message === "end") controller.abort();
    else asked.get(message)();
  });
  process.on("disconnect", () => process.exit(1));
  process.channel.unref();
}

await runWorker(url, {
  ...JSON.parse(options),
  signal: controller.signal,
  onReady: () => process.stdout.write("ready\n"),
  onJob: (report) => process.stdout.write(`${JSON.stringify(report)}\n`),
});
