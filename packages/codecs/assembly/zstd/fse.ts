// Finite state entropy tables (RFC 8878, section 4.1).

import { highBit } from "./bits";
import { CORRUPT } from "./status";

// FSE entry: bits 0-31 the base value, 32-39 how many extra bits it has, 40-47 how many bits the next state takes, 48-63
// the next state. States are byte offsets into the table.

/** Symbol counts of the table being read, its symbols as they are spread, and the next state of each. */
export const COUNTS: usize = memory.data(2 * 64, 16);
const SPREAD: usize = memory.data(512, 16);
const NEXT: usize = memory.data(4 * 64, 16);

/** The result beside a length: bits of accuracy of the table that was read. */
export let accuracy: u32 = 0;

/** One packed entry; without `bases` (the weights of a Huffman tree) the base is the symbol. */
function entryOf(symbol: u32, bits: u32, next: u32, bases: usize, extras: usize): u64 {
  const base = bases == 0 ? symbol : load<u32>(bases + 4 * symbol);
  const extra = bases == 0 ? 0 : <u32>load<u8>(extras + symbol);
  return <u64>base | (<u64>extra << 32) | (<u64>bits << 40) | (<u64>(next << 3) << 48);
}

/** Section 4.1.1: from the symbols' counts, which add up to the table's size, to its states. */
export function buildTable(counts: usize, most: u32, log: u32, bases: usize, extras: usize, table: usize): void {
  const size: u32 = 1 << log;
  const mask = size - 1;
  let high = mask;
  for (let symbol: u32 = 0; symbol <= most; symbol++) {
    const count: i32 = load<i16>(counts + 2 * symbol);
    if (count == -1) {
      store<u8>(SPREAD + high--, symbol);
      store<u32>(NEXT + 4 * symbol, 1);
    } else {
      store<u32>(NEXT + 4 * symbol, count);
    }
  }
  const step = (size >> 1) + (size >> 3) + 3;
  let position: u32 = 0;
  for (let symbol: u32 = 0; symbol <= most; symbol++) {
    const count: i32 = load<i16>(counts + 2 * symbol);
    for (let n = 0; n < count; n++) {
      store<u8>(SPREAD + position, symbol);
      do {
        position = (position + step) & mask;
      } while (position > high);
    }
  }
  for (let state: u32 = 0; state < size; state++) {
    const symbol: u32 = load<u8>(SPREAD + state);
    const next: u32 = load<u32>(NEXT + 4 * symbol);
    store<u32>(NEXT + 4 * symbol, next + 1);
    const bits = log - highBit(next);
    store<u64>(table + 8 * state, entryOf(symbol, bits, (next << bits) - size, bases, extras));
  }
}

/**
 * Section 4.1.1: reads the counts of symbols 0 to `most` into COUNTS and the table's accuracy into `accuracy`. Returns the
 * bytes read, or CORRUPT.
 */
export function readCounts(input: usize, end: usize, most: u32, maxLog: u32): i32 {
  if (input >= end) return CORRUPT;
  const log = <u32>(load<u8>(input) & 15) + 5;
  if (log > maxLog) return CORRUPT;
  accuracy = log;
  memory.fill(COUNTS, 0, 2 * 64);
  const limit = <u32>(end - input) * 8;
  let at: u32 = 4;
  let rest: i32 = 1 << log;
  let symbol: u32 = 0;
  while (rest > 0) {
    if (symbol > most || at >= limit) return CORRUPT;
    const values: u32 = rest + 1;
    const bits = highBit(values) + 1;
    const word: u32 = load<u32>(input + (at >> 3)) >> (at & 7);
    const half: u32 = 1 << (bits - 1);
    const fewer: u32 = (half << 1) - 1 - values;
    let value: u32 = word & (half - 1);
    if (value < fewer) {
      at += bits - 1;
    } else {
      value = word & ((half << 1) - 1);
      if (value >= half) value -= fewer;
      at += bits;
    }
    const count = <i32>value - 1;
    store<i16>(COUNTS + 2 * symbol++, <i16>count);
    rest -= count < 0 ? 1 : count;
    if (count == 0) {
      let repeat: u32;
      do {
        if (at >= limit) return CORRUPT;
        repeat = (<u32>load<u16>(input + (at >> 3)) >> (at & 7)) & 3;
        at += 2;
        symbol += repeat;
      } while (repeat == 3 && symbol <= most);
    }
  }
  if (rest < 0 || symbol > most + 1 || at > limit) return CORRUPT;
  return (at + 7) >> 3;
}

/** Section 3.1.1.3.2.1.1, RLE_Mode: a table of one symbol. */
export function singleTable(symbol: u32, bases: usize, extras: usize, table: usize): void {
  store<u64>(table, entryOf(symbol, 0, 0, bases, extras));
  accuracy = 0;
}
