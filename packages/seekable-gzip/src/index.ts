export { defaultIndexCache } from "#index-cache";
export { buildIndex } from "./build-index.js";
export { readIndex, writeIndex } from "./gzidx.js";
export type { GzipIndex, GzipPoint } from "./gzip-index.js";
export { type GzipSource, type GzipSourceOptions, gzipSource } from "./gzip-source.js";
export type { IndexCache } from "./index-cache.js";
export { isGzip } from "./member.js";
export type { Sidecar } from "./sidecar.js";
