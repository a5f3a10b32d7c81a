import { parentPort, workerData } from "node:worker_threads";
import { isLazyImageError } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { functionOf } from "./map-job.js";
import type { ThreadData, ThreadReply } from "./map-threads.js";
import { readRegion } from "./regions.js";

/** A thread of `mapRegions`: the module first, which imports the backends that it needs, then the image, then regions. */
const { module, options, request, division } = workerData as ThreadData;
const port = parentPort!;
const work = await functionOf(module);
const { dataobj: image } = await openImage(request);

port.on("message", async (region: number) => {
  let reply: ThreadReply;
  try {
    reply = { region, value: await work(await readRegion(image, division, region, undefined), options, {}) };
  } catch (error) {
    reply = { region, error, ...(isLazyImageError(error) && { code: error.code }) };
  }
  port.postMessage(reply);
});
port.postMessage({} satisfies ThreadReply);
