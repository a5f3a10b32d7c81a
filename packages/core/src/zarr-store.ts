import { hasMembers } from "./structure.js";

/** A Zarr store, structurally: zarrita's `Readable`, and a `Map` too. Keys begin with a slash. */
export interface ZarrStore {
  get(key: never, options?: never): unknown;
  getRange?(key: never, range: never, options?: never): unknown;
}

/** Whether `value` has the shape of a Zarr store. */
export function isZarrStore(value: unknown): value is ZarrStore {
  return hasMembers(value, "function", "get");
}
