// The input, bit by bit.

import { IN } from "./buffers";

/** Bits that were taken from the input and not consumed, the next one lowest, and how many. */
export let hold: u64 = 0;
export let bits: u32 = 0;
/** The unread input. */
export let inAt: usize = IN;
export let inEnd: usize = IN;

export function mask(count: u32): u64 {
  return (<u64>1 << <u64>count) - 1;
}

/** Begins with no bits. */
export function forgetBits(): void {
  hold = 0;
  bits = 0;
}

export function setInput(at: u32, end: u32): void {
  inAt = IN + at;
  inEnd = IN + end;
}

/** Goes on from `at`, with `count` bits before it. */
export function goOn(at: usize, held: u64, count: u32): void {
  inAt = at;
  hold = held;
  bits = count;
}

/** Whole bytes that were read ahead go back to the input. */
export function returnBytes(): void {
  inAt -= bits >> 3;
  bits &= 7;
  hold &= mask(bits);
}

/** Begins in the middle of a byte: the first `count` bits of the input's next byte belong to someone else. */
export function skipBits(count: u32): void {
  hold = load<u8>(inAt) >> <u8>count;
  bits = 8 - count;
  inAt++;
}

/** Fills `hold` until it has `count` bits; false where the input ends before. */
export function want(count: u32): bool {
  while (bits < count) {
    if (inAt >= inEnd) return false;
    hold |= <u64>load<u8>(inAt++) << <u64>bits;
    bits += 8;
  }
  return true;
}

export function take(count: u32): u32 {
  const value = <u32>(hold & mask(count));
  hold >>= <u64>count;
  bits -= count;
  return value;
}
