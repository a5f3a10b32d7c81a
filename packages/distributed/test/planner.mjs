// A planner: `node planner.mjs URL IN OUT OPTIONS`, options in JSON.
import "@lazyimg/backend-nifti";
import "@lazyimg/backend-zarr";
import { convertOnQueue, openQueue } from "@lazyimg/distributed";
import { openImage } from "@lazyimg/image";

const [url, source, output, options] = process.argv.slice(2);
const queue = await openQueue(url);
const image = await openImage(source);
const controller = new AbortController();
process.once("SIGINT", () => controller.abort(new Error("interrupted")));
try {
  await convertOnQueue(
    queue,
    { source, image: image.dataobj, output },
    { chunk: 16, codec: "gzip", levels: 3, jobBytes: 1, ...JSON.parse(options), signal: controller.signal },
  );
} catch (error) {
  process.stderr.write(JSON.stringify({ code: error.code, message: error.message }));
  process.exitCode = 1;
} finally {
  await image.close();
  await queue.close();
}
