export {
  type ConvertOnQueueOptions,
  convertOnQueue,
  type PieceFailure,
  type QueuedConversion,
} from "./convert.js";
export { shareable } from "./locations.js";
export { type MapOptions, mapRegions, type RegionModule, type RegionValue } from "./map-regions.js";
export { openQueue, type WorkQueue } from "./queue.js";
export type { Region, RegionFunction, Triple } from "./regions.js";
export type { OpenedSource, OpenSource } from "./sources.js";
export { type JobReport, runWorker, type WorkerOptions } from "./worker.js";
