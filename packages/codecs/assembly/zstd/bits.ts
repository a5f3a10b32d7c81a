// Bits of streams that are read from their end (RFC 8878, section 4). In front of a stream there are at least 16 bytes of memory,
// so that bits may be looked at before it begins.

export function highBit(x: u32): u32 {
  return 31 - clz(x);
}

/** Bits of a stream that is read from its end: all before the highest one of the last byte; negative where there is none. */
export function bitsOf(start: usize, end: usize): i32 {
  if (end <= start) return -1;
  const last: u32 = load<u8>(end - 1);
  if (last == 0) return -1;
  return (<i32>(end - start - 1) << 3) + <i32>highBit(last);
}

/** The `count` bits (at most 16) that end `rest` bits behind a stream's start; what is before the start is zero. */
export function bitsAt(start: usize, rest: i32, count: u32): u32 {
  const mask: u32 = (1 << count) - 1;
  const at = rest - <i32>count;
  if (at >= 0) return (load<u32>(start + (at >> 3)) >> (at & 7)) & mask;
  if (rest <= 0) return 0;
  return (load<u32>(start) << -at) & mask;
}

export function topBits(word: u64, count: u64): u32 {
  return <u32>((word >> 1) >> (63 - count));
}
