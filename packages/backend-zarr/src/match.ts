import { type BackendRequest, requestName } from "@lazyimg/core";

/** Schemes of object stores: recognised as remote, so that the message can say what would bring them. */
const REMOTE = /^(https?|s3|gs|gcs|az|abfss?):/i;

const isRemote = (location: string): boolean => REMOTE.test(location);

/** The name without trailing slashes. */
function nameOf(request: BackendRequest): string {
  return (requestName(request) ?? "").replace(/[/\\]+$/, "").toLowerCase();
}

/** Whether the request is for a Zarr group or array behind a URL. */
export function matchesRemoteZarr(request: BackendRequest): boolean {
  if (request.reader !== undefined) return false;
  if (request.remoteZarrUri !== undefined) return true;
  // An archive is one file, however far.
  return request.path !== undefined && isRemote(request.path) && nameOf(request).endsWith(".zarr");
}

/** Whether the request holds an open Zarr store. */
export function matchesZarrStore(request: BackendRequest): boolean {
  return request.reader === undefined && request.zarrStore !== undefined;
}

/** Whether the request is for a local `.zarr` directory, or a `.zarr.zip` archive wherever it is. */
export function matchesZarrFile(request: BackendRequest): boolean {
  if (request.reader !== undefined) return false;
  const { path, blob, bytes, byteSource } = request;
  const name = nameOf(request);
  if (name.endsWith(".zarr.zip")) return (path ?? blob ?? bytes ?? byteSource) !== undefined;
  return path !== undefined && !isRemote(path) && name.endsWith(".zarr");
}
