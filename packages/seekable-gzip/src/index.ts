export { defaultIndexCache } from "#index-cache";
export { readIndex, writeIndex } from "./gzidx.js";
export type { GzipIndex, GzipPoint } from "./gzip-index.js";
export {
  buildIndex,
  DEFAULT_SPACING,
  type GzipSource,
  type GzipSourceOptions,
  gzipSource,
} from "./gzip-source.js";
export type { IndexCache } from "./index-cache.js";
export { isGzip } from "./member.js";
export type { Sidecar } from "./sidecar.js";
