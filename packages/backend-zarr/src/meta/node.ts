import { LazyImageError } from "@lazyimg/core";
import type { GetOptions, Store } from "../store/store.js";
import { type ArraySpec, parseV2Array, parseV3Array } from "./array-spec.js";
import { isObject, type Json, parseJson } from "./json.js";

/** What is at the root: a group with attributes, or an array; and how to find arrays below. */
export interface Hierarchy {
  readonly version: 2 | 3;
  /** Attributes of the root. */
  readonly attributes: Json;
  /** Whether the metadata of all that is below came with the root's. */
  readonly consolidated: boolean;
  /** The root itself, where it is an array. */
  readonly array: ArraySpec | undefined;
  /**
   * The array at a path below the root; `undefined` where there is none.
   *
   * @throws LazyImageError for metadata that are no array's
   */
  arrayAt(path: string, options?: GetOptions): Promise<ArraySpec | undefined>;
}

/** Longest metadata of one node, or consolidated. */
export const MOST_METADATA: number = 64 << 20;

async function readJson(store: Store, key: string, options: GetOptions): Promise<Json | undefined> {
  const bytes = await store.get(key, { ...options, most: MOST_METADATA });
  return bytes && parseJson(bytes, key);
}

/** v3: consolidated metadata lie in the group's own, by path. */
function v3Hierarchy(store: Store, root: Json): Hierarchy {
  const consolidated = isObject(root.consolidated_metadata) ? root.consolidated_metadata.metadata : undefined;
  return {
    version: 3,
    consolidated: isObject(consolidated),
    attributes: isObject(root.attributes) ? root.attributes : {},
    array: root.node_type === "array" ? parseV3Array(root, "") : undefined,
    async arrayAt(path, options = {}) {
      const known = isObject(consolidated) ? consolidated[path] : undefined;
      const meta = isObject(known) ? known : await readJson(store, `${path}/zarr.json`, options);
      return meta?.node_type === "array" ? parseV3Array(meta, `${path}/`) : undefined;
    },
  };
}

/** v2: three files for each node, or all of them in `.zmetadata`. */
async function v2Hierarchy(
  store: Store,
  consolidated: Json | undefined,
  options: GetOptions,
): Promise<Hierarchy | null> {
  const entries = isObject(consolidated?.metadata) ? consolidated.metadata : undefined;
  const find = async (key: string, given: GetOptions): Promise<Json | undefined> => {
    const known = entries?.[key];
    if (isObject(known)) return known;
    return entries === undefined ? readJson(store, key, given) : undefined;
  };
  const [group, array, attributes = {}] = await Promise.all(
    [".zgroup", ".zarray", ".zattrs"].map((key) => find(key, options)),
  );
  if (group === undefined && array === undefined) return null;
  return {
    version: 2,
    consolidated: entries !== undefined,
    attributes,
    array: array && parseV2Array(array, attributes, ""),
    async arrayAt(path, given = {}) {
      const [meta, own = {}] = await Promise.all([
        find(`${path}/.zarray`, given),
        find(`${path}/.zattrs`, given),
      ]);
      return meta && parseV2Array(meta, own, `${path}/`);
    },
  };
}

/**
 * Finds out what a store holds. v3 is asked for first; where both are there, v3 counts.
 *
 * @throws LazyImageError `ERR_NOT_FOUND` when there are no Zarr metadata
 */
export async function openHierarchy(store: Store, options: GetOptions = {}): Promise<Hierarchy> {
  const [v3, consolidated] = await Promise.all([
    readJson(store, "zarr.json", options),
    readJson(store, ".zmetadata", options),
  ]);
  if (v3 !== undefined) return v3Hierarchy(store, v3);
  const v2 = await v2Hierarchy(store, consolidated, options);
  if (v2 !== null) return v2;
  throw new LazyImageError(
    "ERR_NOT_FOUND",
    `No Zarr metadata in ${store.name}: neither zarr.json (v3) nor .zgroup or .zarray (v2). Check the path; a group's children are opened by their own.`,
  );
}
