// Huffman trees (RFC 8878, section 4.2.1), as one table.

import { bitsAt, bitsOf, highBit } from "./bits";
import { accuracy, buildTable, COUNTS, readCounts } from "./fse";
import { CORRUPT } from "./status";

// Huffman codes have at most 11 bits (section 4.2.1); shorter tables are stretched to 11, so that the index is a constant
// shift away. Entry: bits 0-7 length of the code, 8-15 the symbol.
export const HUFFMAN_LOG: u32 = 11;
export const HUFFMAN: usize = memory.data(2 << 11, 16);

const WEIGHT_LOG: u32 = 6;
const MAX_WEIGHT: u32 = 12;
const WEIGHT_TABLE: usize = memory.data(8 << 6, 16);
const WEIGHTS: usize = memory.data(256 + 16, 16);
const RANKS: usize = memory.data(4 * 16, 16);

/** Section 4.2.1.2: the weights of a Huffman tree as two interleaved FSE states. Returns how many, or CORRUPT. */
function readWeights(input: usize, end: usize): i32 {
  const used = readCounts(input, end, MAX_WEIGHT, WEIGHT_LOG);
  if (used < 0) return CORRUPT;
  const log = accuracy;
  buildTable(COUNTS, MAX_WEIGHT, log, 0, 0, WEIGHT_TABLE);
  const start = input + used;
  let rest = bitsOf(start, end);
  if (rest < <i32>(2 * log)) return CORRUPT;
  let state = bitsAt(start, rest, log) << 3;
  rest -= log;
  let other = bitsAt(start, rest, log) << 3;
  rest -= log;
  let count: u32 = 0;
  // One more weight is not written: there are at most 256 symbols.
  while (count < 254) {
    const entry = load<u64>(WEIGHT_TABLE + state);
    store<u8>(WEIGHTS + count++, <u8>entry);
    const bits = <u32>(entry >> 40) & 0xff;
    if (rest < <i32>bits) {
      store<u8>(WEIGHTS + count++, <u8>load<u64>(WEIGHT_TABLE + other));
      return count;
    }
    state = <u32>(entry >> 48) + (bitsAt(start, rest, bits) << 3);
    rest -= bits;
    const swap = state;
    state = other;
    other = swap;
  }
  return CORRUPT;
}

/** Section 4.2.1: reads a Huffman tree into HUFFMAN. Returns the bytes read, or CORRUPT. */
export function readTree(input: usize, end: usize): i32 {
  if (input >= end) return CORRUPT;
  const header: u32 = load<u8>(input);
  let used: u32;
  let count: u32;
  if (header < 128) {
    used = 1 + header;
    if (used > <u32>(end - input)) return CORRUPT;
    const found = readWeights(input + 1, input + used);
    if (found < 0) return CORRUPT;
    count = found;
  } else {
    count = header - 127;
    used = 1 + ((count + 1) >> 1);
    if (used > <u32>(end - input)) return CORRUPT;
    for (let n: u32 = 0; n < count; n += 2) {
      const pair: u32 = load<u8>(input + 1 + (n >> 1));
      store<u8>(WEIGHTS + n, pair >> 4);
      store<u8>(WEIGHTS + n + 1, pair & 15);
    }
  }
  memory.fill(RANKS, 0, 4 * 16);
  let total: u32 = 0;
  for (let n: u32 = 0; n < count; n++) {
    const weight: u32 = load<u8>(WEIGHTS + n);
    if (weight > HUFFMAN_LOG) return CORRUPT;
    store<u32>(RANKS + 4 * weight, load<u32>(RANKS + 4 * weight) + 1);
    total += (1 << weight) >> 1;
  }
  if (total == 0) return CORRUPT;
  const log = highBit(total) + 1;
  if (log > HUFFMAN_LOG) return CORRUPT;
  // The last weight is what fills the tree, a power of two.
  const left: u32 = (1 << log) - total;
  if ((left & (left - 1)) != 0) return CORRUPT;
  const last = highBit(left) + 1;
  store<u8>(WEIGHTS + count++, last);
  store<u32>(RANKS + 4 * last, load<u32>(RANKS + 4 * last) + 1);
  const longest = load<u32>(RANKS + 4);
  if (longest < 2 || (longest & 1) != 0) return CORRUPT;

  const stretch = HUFFMAN_LOG - log;
  let at: u32 = 0;
  for (let weight: u32 = 1; weight <= log; weight++) {
    const number = load<u32>(RANKS + 4 * weight);
    store<u32>(RANKS + 4 * weight, at);
    at += number << (weight - 1 + stretch);
  }
  for (let symbol: u32 = 0; symbol < count; symbol++) {
    const weight: u32 = load<u8>(WEIGHTS + symbol);
    if (weight == 0) continue;
    const entry: u32 = (symbol << 8) | (log + 1 - weight);
    const length: u32 = 1 << (weight - 1 + stretch);
    const first = load<u32>(RANKS + 4 * weight);
    store<u32>(RANKS + 4 * weight, first + length);
    let to = HUFFMAN + 2 * first;
    if (length >= 8) {
      const filled = i16x8.splat(<i16>entry);
      const stop = to + 2 * length;
      do {
        v128.store(to, filled);
        to += 16;
      } while (to < stop);
    } else {
      for (let n: u32 = 0; n < length; n++) store<u16>(to + 2 * n, entry);
    }
  }
  return used;
}
