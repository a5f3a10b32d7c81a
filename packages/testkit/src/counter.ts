import type { Hold } from "./gate.js";

/**
 * Counts what is read from a file, a store or a server, and holds it up: what the suite needs to see of a backend's I/O.
 * `countingSource`, `countingStore` and `misbehavingServer` are such; `gate` helps to write another.
 */
export interface Counter {
  /** Bytes delivered since the beginning or the last `reset()`. */
  readonly bytes: number;
  /** Reads that were asked for since then. */
  readonly requests: number;
  /** Bytes that there are, or `null` where nobody knows. */
  size(): Promise<number | null>;
  /** Begins to count from zero. */
  reset(): void;
  /** Holds up every read from now on until `release()`; one that is aborted meanwhile ends. */
  hold(): Hold;
}
