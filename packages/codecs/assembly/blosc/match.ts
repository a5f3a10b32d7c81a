// Copies that LZ4 and blosclz have in common.
//
// TypeScript knows decorators of classes only: hence `@ts-expect-error` before AssemblyScript's `@inline`.

import { wildCopy } from "../copy";

export const CORRUPT: i32 = -1;

/** A match that overlaps itself: the period is doubled until it is long enough to copy at once. */
// @ts-expect-error: decorator
@inline function copyPeriod(to: usize, offset: u32, end: usize): void {
  if (offset == 1) {
    const fill = i8x16.splat(load<u8>(to - 1));
    do {
      v128.store(to, fill);
      to += 16;
    } while (to < end);
    return;
  }
  const from = to - offset;
  let period = offset;
  while (period < 16) period += offset;
  // The first period byte by byte: what follows repeats it.
  const first = min(to + period, end);
  let s = from;
  while (to < first) store<u8>(to++, load<u8>(s++));
  if (to < end) wildCopy(to, to - period, end);
}

/** Copies `length` bytes of input, which do not overlap the output. */
export function copyLiterals(to: usize, from: usize, length: u32): void {
  if (length <= 256) wildCopy(to, from, to + length);
  else memory.copy(to, from, length);
}

/** Repeats what was written `offset` bytes before `to`, until `end`. */
// @ts-expect-error: decorator
@inline export function copyMatch(to: usize, offset: u32, end: usize): void {
  if (offset >= 16) wildCopy(to, to - offset, end);
  else copyPeriod(to, offset, end);
}
