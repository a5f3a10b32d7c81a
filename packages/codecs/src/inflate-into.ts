import type { Inflater } from "./inflate.js";

/** How inflating a stream into memory ended. */
export interface InflatedInto {
  /** `full` where the stream holds more than the memory, `short` where its data end too early. */
  readonly stop: "end" | "full" | "short";
  /** Bytes that were written. */
  readonly size: number;
  /** Where behind the stream its data go on. */
  readonly end: number;
}

/**
 * Inflates one deflate stream, which begins at `start` of `bytes`, into memory that is there.
 *
 * @param passed is given the output piece by piece, as the inflater has it then: for checksums
 * @throws LazyImageError `ERR_CORRUPT`
 */
export function inflateInto(
  inflater: Inflater,
  bytes: Uint8Array,
  start: number,
  out: Uint8Array,
  passed: (output: Uint8Array) => void,
): InflatedInto {
  inflater.reset();
  let fed = start;
  let size = 0;
  for (;;) {
    const stop = inflater.run();
    const { output } = inflater;
    if (output.length > out.length - size) return { stop: "full", size, end: fed };
    out.set(output, size);
    size += output.length;
    passed(output);
    if (stop === "end") return { stop, size, end: fed - inflater.unread.length };
    if (stop !== "input") continue;
    if (fed === bytes.length) return { stop: "short", size, end: fed };
    fed += inflater.feed(bytes.subarray(fed));
  }
}
