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
  /** Whether chunks that hold only the fill value are written, too. */
  readonly dense?: boolean;
  set(key: string, bytes: Uint8Array): Promise<void>;
  /** Whether a part of the work was done by an earlier run. */
  isDone(part: string): boolean;
  /** Notes that a part is done: everything it wrote is there. */
  done(part: string): void;
}

/** A sink whose destination is complete, or as it was, when its owner is through. */
export interface OutputSink extends Sink {
  /** Whether it goes on with what an earlier run left. */
  readonly resumed: boolean;
  /** Puts what was written in its place. */
  finish(): Promise<void>;
  /** Leaves what was written for another run to go on with. */
  keep(): void | Promise<void>;
  /** Removes what was written. */
  drop(): Promise<void>;
}

/** The sink of a process that writes along with the one that began. */
export interface JoinedSink extends Sink {
  close(): void | Promise<void>;
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
