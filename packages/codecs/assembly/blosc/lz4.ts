// LZ4 blocks, both ways: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md

import { copyLiterals, copyMatch, CORRUPT } from "./match";

const MIN_MATCH: u32 = 4;
// The block format's own rules for encoders: the last match begins 12 bytes before the end, the last 5 bytes are literals.
const LAST_MATCH: u32 = 12;
const LAST_LITERALS: u32 = 5;
const HASH_BITS: u32 = 13;

const HASH_TABLE: usize = memory.data(4 << 13, 16);

/**
 * Decodes an LZ4 block until `stop` bytes are there or the input ends.
 * Returns the number of bytes written (at most `room`), or CORRUPT.
 */
export function lz4Decode(input: usize, length: u32, output: usize, room: u32, stop: u32): i32 {
  let ip = input;
  let op = output;
  const inputEnd = input + length;
  const outputEnd = output + room;
  const enough = output + stop;
  while (ip < inputEnd) {
    const token: u32 = load<u8>(ip++);
    let literals: u32 = token >> 4;
    if (literals == 15) {
      let more: u32;
      do {
        if (ip >= inputEnd) return CORRUPT;
        more = load<u8>(ip++);
        literals += more;
      } while (more == 255);
    }
    if (literals > <u32>(inputEnd - ip) || literals > <u32>(outputEnd - op)) return CORRUPT;
    copyLiterals(op, ip, literals);
    ip += literals;
    op += literals;
    if (op >= enough || ip >= inputEnd) break;
    if (inputEnd - ip < 2) return CORRUPT;
    const offset: u32 = load<u16>(ip);
    ip += 2;
    if (offset == 0 || offset > <u32>(op - output)) return CORRUPT;
    let match: u32 = (token & 15) + MIN_MATCH;
    if (match == 15 + MIN_MATCH) {
      let more: u32;
      do {
        if (ip >= inputEnd) return CORRUPT;
        more = load<u8>(ip++);
        match += more;
      } while (more == 255);
    }
    if (match > <u32>(outputEnd - op)) return CORRUPT;
    const end = op + match;
    copyMatch(op, offset, end);
    op = end;
    if (op >= enough) break;
  }
  return <i32>(op - output);
}

function putLength(op: usize, length: u32): usize {
  let rest = length;
  while (rest >= 255) {
    store<u8>(op++, 255);
    rest -= 255;
  }
  store<u8>(op++, rest);
  return op;
}

function slotOf(word: u32): usize {
  return HASH_TABLE + ((<usize>((word * 2654435761) >> (32 - HASH_BITS))) << 2);
}

/**
 * Encodes one LZ4 block, greedily. Returns its length, or 0 where it would not fit `room`: what does not shrink is
 * stored as it is.
 */
export function lz4Encode(input: usize, length: u32, output: usize, room: u32): i32 {
  let ip = input;
  let op = output;
  let anchor = input;
  const inputEnd = input + length;
  const outputEnd = output + room;
  if (length > LAST_MATCH) {
    memory.fill(HASH_TABLE, 0, 4 << HASH_BITS);
    const matchLimit = inputEnd - LAST_MATCH;
    const literalLimit = inputEnd - LAST_LITERALS;
    ip++;
    let misses: u32 = 1 << 6;
    while (ip <= matchLimit) {
      const word = load<u32>(ip);
      const slot = slotOf(word);
      let candidate: usize = input + load<u32>(slot);
      store<u32>(slot, <u32>(ip - input));
      if (ip - candidate > 65535 || load<u32>(candidate) != word) {
        // The longer nothing matched, the longer the steps.
        ip += misses >> 6;
        misses++;
        continue;
      }
      misses = 1 << 6;
      while (ip > anchor && candidate > input && load<u8>(ip - 1) == load<u8>(candidate - 1)) {
        ip--;
        candidate--;
      }
      let end = ip + MIN_MATCH;
      let other = candidate + MIN_MATCH;
      while (end + 8 <= literalLimit) {
        const difference = load<u64>(end) ^ load<u64>(other);
        if (difference != 0) {
          end += <usize>(ctz(difference) >> 3);
          break;
        }
        end += 8;
        other += 8;
      }
      if (end + 8 > literalLimit) {
        other = candidate + (end - ip);
        while (end < literalLimit && load<u8>(end) == load<u8>(other)) {
          end++;
          other++;
        }
      }
      const literals = <u32>(ip - anchor);
      const match = <u32>(end - ip) - MIN_MATCH;
      if (op + literals + literals / 255 + match / 255 + 16 > outputEnd) return 0;
      const token = op++;
      store<u8>(token, (min<u32>(literals, 15) << 4) | min<u32>(match, 15));
      if (literals >= 15) op = putLength(op, literals - 15);
      memory.copy(op, anchor, literals);
      op += literals;
      store<u16>(op, <u32>(ip - candidate));
      op += 2;
      if (match >= 15) op = putLength(op, match - 15);
      ip = end;
      anchor = end;
      if (ip <= matchLimit) {
        const before = ip - 2;
        store<u32>(slotOf(load<u32>(before)), <u32>(before - input));
      }
    }
  }
  const literals = <u32>(inputEnd - anchor);
  if (op + literals + literals / 255 + 2 > outputEnd) return 0;
  store<u8>(op++, min<u32>(literals, 15) << 4);
  if (literals >= 15) op = putLength(op, literals - 15);
  memory.copy(op, anchor, literals);
  return <i32>(op + literals - output);
}
