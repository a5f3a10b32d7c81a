// Sequences (RFC 8878, section 3.1.1.3.2): decoding and execution.

import { copy16, wildCopy } from "../copy";
import { bitsOf, topBits } from "./bits";
import { llLog, llTable, mlLog, mlTable, ofLog, ofTable } from "./sequence-tables";

/** For a match closer than 16 bytes: which byte of it comes where in the 16 that are written. */
const PERIODS: usize = memory.data(16 * 16, 16);
const PERIOD_STEPS: usize = memory.data(16, 16);

// The three last offsets, which a frame's blocks hand on.
let offset1: u32 = 1;
let offset2: u32 = 4;
let offset3: u32 = 8;

/** Fills what is constant. */
export function preparePeriods(): void {
  for (let period: u32 = 1; period < 16; period++) {
    for (let n: u32 = 0; n < 16; n++) store<u8>(PERIODS + 16 * period + n, n % period);
    store<u8>(PERIOD_STEPS + period, 16 - (16 % period));
  }
}

/** A frame begins with these. */
export function resetOffsets(): void {
  offset1 = 1;
  offset2 = 4;
  offset3 = 8;
}

/** Sections 3.1.1.3.2 and 3.1.1.4: decodes sequences and copies what they say. Returns the output's end, or 0. */
export function runSequences(
  count: u32, start: usize, end: usize, literals: usize, literalsEnd: usize, output: usize, outputEnd: usize, frame: usize,
): usize {
  const bits = bitsOf(start, end);
  if (bits < <i32>(llLog + mlLog + ofLog)) return 0;
  const lls = llTable;
  const mls = mlTable;
  const ofs = ofTable;
  let lit = literals;
  let op = output;
  let r1 = offset1;
  let r2 = offset2;
  let r3 = offset3;
  // The word at `ip`, of which the highest `used` bits are used.
  let ip = end - 8;
  let used: u32 = 64 - (bits - (<i32>(ip - start) << 3));
  let word = load<u64>(ip) << used;
  let ll = topBits(word, llLog) << 3;
  word <<= llLog;
  let off = topBits(word, ofLog) << 3;
  word <<= ofLog;
  let ml = topBits(word, mlLog) << 3;
  used += llLog + mlLog + ofLog;
  for (let n = count; n > 0; n--) {
    ip -= used >> 3;
    used &= 7;
    word = load<u64>(ip) << used;
    if (ip < start && (<i32>(ip - start) << 3) + 64 < <i32>used) return 0;
    const llEntry = load<u64>(lls + ll);
    const mlEntry = load<u64>(mls + ml);
    const ofEntry = load<u64>(ofs + off);
    const llExtra = <u32>(llEntry >> 32) & 0xff;
    const mlExtra = <u32>(mlEntry >> 32) & 0xff;
    const ofExtra = <u32>(ofEntry >> 32) & 0xff;
    let offset = <u32>ofEntry + topBits(word, ofExtra);
    word <<= ofExtra;
    used += ofExtra;
    // At least 57 bits are there: enough for these and for the 26 of the states, unless numbers are very large.
    const many = ofExtra + mlExtra + llExtra > 31;
    if (many) {
      ip -= used >> 3;
      used &= 7;
      word = load<u64>(ip) << used;
    }
    const match = <u32>mlEntry + topBits(word, mlExtra);
    word <<= mlExtra;
    const length = <u32>llEntry + topBits(word, llExtra);
    word <<= llExtra;
    used += mlExtra + llExtra;
    if (many) {
      ip -= used >> 3;
      used &= 7;
      word = load<u64>(ip) << used;
    }
    if (n > 1) {
      const llBits = <u32>(llEntry >> 40) & 0xff;
      const mlBits = <u32>(mlEntry >> 40) & 0xff;
      const ofBits = <u32>(ofEntry >> 40) & 0xff;
      ll = <u32>(llEntry >> 48) + (topBits(word, llBits) << 3);
      word <<= llBits;
      ml = <u32>(mlEntry >> 48) + (topBits(word, mlBits) << 3);
      word <<= mlBits;
      off = <u32>(ofEntry >> 48) + (topBits(word, ofBits) << 3);
      used += llBits + mlBits + ofBits;
    }

    // Section 3.1.1.5: the first three values repeat an offset.
    if (offset > 3) {
      offset -= 3;
      r3 = r2;
      r2 = r1;
      r1 = offset;
    } else {
      const which = offset + (length == 0 ? 1 : 0);
      if (which == 1) {
        offset = r1;
      } else {
        offset = which == 2 ? r2 : which == 3 ? r3 : r1 - 1;
        if (which != 2) r3 = r2;
        r2 = r1;
        r1 = offset;
      }
    }

    if (length > <u32>(literalsEnd - lit) || length + match > <u32>(outputEnd - op)) return 0;
    copy16(op, lit);
    if (length > 16) wildCopy(op + 16, lit + 16, op + length);
    lit += length;
    op += length;
    if (offset - 1 >= <u32>(op - frame)) return 0;
    const stop = op + match;
    if (offset >= 16) {
      const from = op - offset;
      copy16(op, from);
      if (match > 16) wildCopy(op + 16, from + 16, stop);
    } else {
      const filled = i8x16.swizzle(v128.load(op - offset), v128.load(PERIODS + (offset << 4)));
      const step: usize = load<u8>(PERIOD_STEPS + offset);
      do {
        v128.store(op, filled);
        op += step;
      } while (op < stop);
    }
    op = stop;
  }
  if ((<i32>(ip - start) << 3) + 64 != <i32>used) return 0;
  const left = literalsEnd - lit;
  if (left > outputEnd - op) return 0;
  memory.copy(op, lit, left);
  offset1 = r1;
  offset2 = r2;
  offset3 = r3;
  return op + left;
}
