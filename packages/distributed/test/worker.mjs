// A worker: `node worker.mjs URL OPTIONS`, options in JSON. Says what it does in lines.
import "@lazyimg/backend-nifti";
import "@lazyimg/backend-zarr";
import { runWorker } from "@lazyimg/distributed";

const [url, options] = process.argv.slice(2);
const controller = new AbortController();
process.once("SIGTERM", () => controller.abort());
await runWorker(url, {
  ...JSON.parse(options),
  signal: controller.signal,
  onReady: () => process.stdout.write("ready\n"),
  onJob: (report) => process.stdout.write(`${JSON.stringify(report)}\n`),
});
