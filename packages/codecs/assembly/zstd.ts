// Zstandard frames (RFC 8878) decoded at once into memory of a known size, in AssemblyScript with SIMD; and rows taken
// out of what was decoded.
//
// The host owns the memory behind `heapBase()` and passes addresses. Every area that is read or written needs SLACK bytes
// behind it: copies move 16 bytes at a time and may run past an end, never past the slack. In front of an area there is
// always memory of this module, so that bits may be looked at up to 16 bytes before a stream begins.
//
// Section numbers are those of RFC 8878.

import { wildCopy } from "./copy";
import { decodeFrame, inputAt } from "./zstd/frame";
import { preparePeriods } from "./zstd/sequences";
import { prepareTables } from "./zstd/sequence-tables";
import { CORRUPT, NO_FRAME, TRUNCATED } from "./zstd/status";

const MAGIC: u32 = 0xfd2fb528;
const SKIPPABLE: u32 = 0x184d2a50;

let ready: bool = false;

/**
 * Decodes all frames of `input` (section 3.1), one behind the other, skippable ones skipped. Returns the length of the
 * output, at most `room`, or what is wrong. Of a single frame of `room` bytes, what comes behind the first `stop` of them
 * may be left out.
 */
export function decode(input: usize, length: u32, output: usize, room: u32, stop: u32): i32 {
  if (!ready) {
    ready = true;
    prepareTables();
    preparePeriods();
  }
  const end = input + length;
  const outputEnd = output + room;
  let ip = input;
  let op = output;
  let frames: u32 = 0;
  while (ip < end) {
    if (end - ip < 4) return frames == 0 ? NO_FRAME : TRUNCATED;
    const magic = load<u32>(ip);
    ip += 4;
    if (magic == MAGIC) {
      const decoded = decodeFrame(ip, end, op, outputEnd, output + stop);
      if (decoded < 0) return decoded;
      op += decoded;
      ip = inputAt;
    } else if ((magic & 0xfffffff0) == SKIPPABLE) {
      if (end - ip < 4) return TRUNCATED;
      const skipped = load<u32>(ip);
      ip += 4;
      if (skipped > <u32>(end - ip)) return TRUNCATED;
      ip += skipped;
    } else {
      return frames == 0 ? NO_FRAME : CORRUPT;
    }
    frames++;
  }
  return frames == 0 ? NO_FRAME : <i32>(op - output);
}

/**
 * Copies a box of `n2 x n1` rows of `bytes` bytes from `input` to `output`. In the one, lines and planes lie `s1` and `s2`
 * bytes apart, in the other `o1` and `o2`.
 */
export function gather(
  input: usize, bytes: u32, n1: u32, n2: u32, s1: u32, s2: u32, output: usize, o1: u32, o2: u32,
): void {
  for (let z: u32 = 0; z < n2; z++) {
    let from = input + z * s2;
    let to = output + z * o2;
    for (let y: u32 = 0; y < n1; y++) {
      if (bytes == 2) store<u16>(to, load<u16>(from));
      else if (bytes == 4) store<u32>(to, load<u32>(from));
      else if ((bytes & 15) == 0 && bytes <= 512) wildCopy(to, from, to + bytes);
      else memory.copy(to, from, bytes);
      from += s1;
      to += o1;
    }
  }
}

/** Where the host's memory begins. */
export function heapBase(): usize {
  return __heap_base;
}
