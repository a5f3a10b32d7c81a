import { LazyImageError } from "@lazyimg/core";
import type { Store } from "../store/store.js";

/** A store that can be written: zarrita's `Mutable`, or a Map. Keys begin with a slash. */
export interface MutableZarrStore {
  get(key: never, options?: never): unknown;
  set(key: never, value: Uint8Array): unknown;
}

/** Where objects are written, and read again for the pyramid. Keys have no leading slash. */
export interface Sink {
  readonly store: Store;
  set(key: string, bytes: Uint8Array): Promise<void>;
  /** Whether a part of the work was done by an earlier run. */
  isDone(part: string): boolean;
  /** Notes that a part is done: everything it wrote is there. */
  done(part: string): void;
}

type Set = (key: string, value: Uint8Array) => unknown;

/** A sink over any writable store. */
export function sinkOf(target: MutableZarrStore, store: Store): Sink {
  const set = (target.set as unknown as Set).bind(target);
  return {
    store,
    async set(key, bytes) {
      try {
        await set(`/${key}`, bytes);
      } catch (cause) {
        throw new LazyImageError("ERR_IO", `The Zarr store failed to write ${key}: ${String(cause)}`, {
          cause,
        });
      }
    },
    isDone: () => false,
    done() {},
  };
}
