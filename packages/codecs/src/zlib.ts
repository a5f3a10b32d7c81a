import { LazyImageError } from "@lazyimg/core";
import { Inflater } from "./inflate.js";
import { inflateInto } from "./inflate-into.js";

const ADLER = 65_521;
/** So many bytes add up in 32 bits before the remainder has to be taken (RFC 1950, section 9). */
const ADLER_RUN = 5552;

/** Adler-32 (RFC 1950, section 8.2) of `bytes`, going on from `sum`. */
function adler32(bytes: Uint8Array, sum: number): number {
  let a = sum & 0xffff;
  let b = sum >>> 16;
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(at + ADLER_RUN, bytes.length);
    for (; at < end; at++) {
      a += bytes[at]!;
      b += a;
    }
    a %= ADLER;
    b %= ADLER;
  }
  return ((b << 16) | a) >>> 0;
}

const corrupt = (what: string): LazyImageError => new LazyImageError("ERR_CORRUPT", `The zlib data ${what}`);

let inflater: Inflater | undefined;

/**
 * Inflates one zlib stream (RFC 1950), which has to fill `out` exactly.
 *
 * @throws LazyImageError `ERR_CORRUPT`, `ERR_TRUNCATED`, `ERR_CHECKSUM`, or `ERR_UNSUPPORTED` for a preset dictionary
 */
export function inflateZlib(bytes: Uint8Array, out: Uint8Array): void {
  const [method = 0, flags = 0] = bytes;
  if (bytes.length < 2 || (method & 15) !== 8 || (method * 256 + flags) % 31 !== 0)
    throw corrupt("do not begin with a zlib header");
  if ((flags & 32) !== 0) throw new LazyImageError("ERR_UNSUPPORTED", "zlib data with a preset dictionary");
  inflater ??= new Inflater();
  let sum = 1;
  const { stop, size, end } = inflateInto(inflater, bytes, 2, out, (output) => {
    sum = adler32(output, sum);
  });
  if (stop === "full") throw corrupt(`hold more than ${out.length} bytes`);
  if (stop === "end" && size !== out.length) throw corrupt(`hold ${size} bytes, not ${out.length}`);
  if (stop === "short" || end + 4 > bytes.length)
    throw new LazyImageError("ERR_TRUNCATED", `The zlib data end too early, after ${bytes.length} bytes`);
  const stated = new DataView(bytes.buffer, bytes.byteOffset + end, 4).getUint32(0);
  if (stated !== sum)
    throw new LazyImageError("ERR_CHECKSUM", "The zlib data do not have the checksum that they state");
}
