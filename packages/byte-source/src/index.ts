export { fileSource } from "#file";
export { blobSource } from "./blob.js";
export { bytesSource } from "./bytes.js";
export { type CacheOptions, cached } from "./cached.js";
export { coalescing } from "./coalescing.js";
export { type HttpSourceOptions, httpSource } from "./http.js";
export { openSibling, openSource, peek, type SourceRequest } from "./request.js";
export { sniff } from "./sniff.js";
export {
  listTransports,
  type Remote,
  registerTransport,
  remoteOf,
  type Transport,
  type TransportRequest,
  unregisterTransport,
} from "./transport.js";
