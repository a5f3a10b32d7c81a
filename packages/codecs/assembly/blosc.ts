// What a blosc chunk needs, in AssemblyScript with SIMD: LZ4 blocks (both ways), byte shuffle, bit shuffle, and rows
// taken out of shuffled blocks without unshuffling what nobody asked for.
//
// The host owns the memory behind `__heap_base` and passes addresses. Every area that is read or written needs SLACK
// bytes behind it: copies move 16 bytes at a time and may run past an end, never past the slack.
//
// - LZ4 block format: https://github.com/lz4/lz4/blob/dev/doc/lz4_Block_format.md
// - Shuffled blocks: plane b holds byte b of every element; bit-shuffled: plane 8 b + k holds bit k of byte b.

const CORRUPT: i32 = -1;
const MIN_MATCH: u32 = 4;
// The block format's own rules for encoders: the last match begins 12 bytes before the end, the last 5 bytes are literals.
const LAST_MATCH: u32 = 12;
const LAST_LITERALS: u32 = 5;
const HASH_BITS: u32 = 13;

const HASH_TABLE: usize = memory.data(4 << 13, 16);

// @ts-expect-error: decorator
@inline function copy16(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
}

/** Copies 16 bytes at a time until `end` is reached; `from` and `to` lie at least 16 bytes apart, or do not overlap. */
// @ts-expect-error: decorator
@inline function wildCopy(to: usize, from: usize, end: usize): void {
  do {
    copy16(to, from);
    to += 16;
    from += 16;
  } while (to < end);
}

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
    if (literals <= 256) wildCopy(op, ip, op + literals);
    else memory.copy(op, ip, literals);
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
    if (offset >= 16) wildCopy(op, op - offset, end);
    else copyPeriod(op, offset, end);
    op = end;
    if (op >= enough) break;
  }
  return <i32>(op - output);
}

// @ts-expect-error: decorator
@inline function putLength(op: usize, length: u32): usize {
  let rest = length;
  while (rest >= 255) {
    store<u8>(op++, 255);
    rest -= 255;
  }
  store<u8>(op++, rest);
  return op;
}

// @ts-expect-error: decorator
@inline function slotOf(word: u32): usize {
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

// @ts-expect-error: decorator
@inline function low8(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
// @ts-expect-error: decorator
@inline function high8(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
// @ts-expect-error: decorator
@inline function low16(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
// @ts-expect-error: decorator
@inline function high16(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
// @ts-expect-error: decorator
@inline function low32(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 0, 4, 1, 5);
}
// @ts-expect-error: decorator
@inline function high32(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 2, 6, 3, 7);
}

/** `count` elements of `size` bytes from planes that lie `stride` bytes apart, the first element at `planes`. */
// @ts-expect-error: decorator
@inline function joinPlanes(planes: usize, stride: usize, size: u32, count: u32, output: usize): void {
  let n: u32 = 0;
  if (size == 2) {
    const second = planes + stride;
    for (; n + 16 <= count; n += 16) {
      const a = v128.load(planes + n);
      const b = v128.load(second + n);
      const to = output + 2 * n;
      v128.store(to, low8(a, b));
      v128.store(to, high8(a, b), 16);
    }
  } else if (size == 4) {
    for (; n + 16 <= count; n += 16) {
      const p = planes + n;
      const a = v128.load(p);
      const b = v128.load(p + stride);
      const c = v128.load(p + 2 * stride);
      const d = v128.load(p + 3 * stride);
      const ab = low8(a, b);
      const cd = low8(c, d);
      const AB = high8(a, b);
      const CD = high8(c, d);
      const to = output + 4 * n;
      v128.store(to, low16(ab, cd));
      v128.store(to, high16(ab, cd), 16);
      v128.store(to, low16(AB, CD), 32);
      v128.store(to, high16(AB, CD), 48);
    }
  } else if (size == 8) {
    for (; n + 16 <= count; n += 16) {
      const p = planes + n;
      const a = v128.load(p);
      const b = v128.load(p + stride);
      const c = v128.load(p + 2 * stride);
      const d = v128.load(p + 3 * stride);
      const e = v128.load(p + 4 * stride);
      const f = v128.load(p + 5 * stride);
      const g = v128.load(p + 6 * stride);
      const h = v128.load(p + 7 * stride);
      const to = output + 8 * n;
      let abcd = low16(low8(a, b), low8(c, d));
      let efgh = low16(low8(e, f), low8(g, h));
      v128.store(to, low32(abcd, efgh));
      v128.store(to, high32(abcd, efgh), 16);
      abcd = high16(low8(a, b), low8(c, d));
      efgh = high16(low8(e, f), low8(g, h));
      v128.store(to, low32(abcd, efgh), 32);
      v128.store(to, high32(abcd, efgh), 48);
      abcd = low16(high8(a, b), high8(c, d));
      efgh = low16(high8(e, f), high8(g, h));
      v128.store(to, low32(abcd, efgh), 64);
      v128.store(to, high32(abcd, efgh), 80);
      abcd = high16(high8(a, b), high8(c, d));
      efgh = high16(high8(e, f), high8(g, h));
      v128.store(to, low32(abcd, efgh), 96);
      v128.store(to, high32(abcd, efgh), 112);
    }
  }
  for (; n < count; n++) {
    const to = output + n * size;
    for (let b: u32 = 0; b < size; b++) store<u8>(to + b, load<u8>(planes + b * stride + n));
  }
}

/** Undoes the byte shuffle of one block; bytes behind the last whole element are copied. */
export function unshuffle(input: usize, output: usize, length: u32, size: u32): void {
  const count = length / size;
  joinPlanes(input, count, size, count, output);
  memory.copy(output + count * size, input + count * size, length - count * size);
}

/** Byte-shuffles one block. */
export function shuffle(input: usize, output: usize, length: u32, size: u32): void {
  const count = length / size;
  let n: u32 = 0;
  if (size == 2) {
    for (; n + 16 <= count; n += 16) {
      const a = v128.load(input + 2 * n);
      const b = v128.load(input + 2 * n, 16);
      v128.store(output + n, v128.shuffle<u8>(a, b, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30));
      v128.store(output + count + n, v128.shuffle<u8>(a, b, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31));
    }
  }
  for (; n < count; n++) {
    for (let b: u32 = 0; b < size; b++) store<u8>(output + b * count + n, load<u8>(input + n * size + b));
  }
  memory.copy(output + count * size, input + count * size, length - count * size);
}

/** The 8 x 8 bit matrix, one row a byte, transposed. */
// @ts-expect-error: decorator
@inline function transpose8(x: u64): u64 {
  let t: u64 = (x ^ (x >> 7)) & 0x00aa00aa00aa00aa;
  x = x ^ t ^ (t << 7);
  t = (x ^ (x >> 14)) & 0x0000cccc0000cccc;
  x = x ^ t ^ (t << 14);
  t = (x ^ (x >> 28)) & 0x00000000f0f0f0f0;
  return x ^ t ^ (t << 28);
}

/** Undoes the bit shuffle of one block, whose number of elements is a multiple of 8. */
export function bitUnshuffle(input: usize, output: usize, length: u32, size: u32): void {
  const count = length / size;
  const stride = count >> 3;
  for (let b: u32 = 0; b < size; b++) {
    const planes = input + 8 * b * stride;
    for (let group: u32 = 0; group < stride; group++) {
      let word: u64 = 0;
      for (let bit: u32 = 0; bit < 8; bit++) {
        word |= (<u64>load<u8>(planes + bit * stride + group)) << (8 * bit);
      }
      word = transpose8(word);
      const to = output + 8 * group * size + b;
      for (let n: u32 = 0; n < 8; n++) store<u8>(to + n * size, <u8>(word >> (8 * n)));
    }
  }
}

/**
 * Copies a box of `n2 x n1 x n0` elements of `size` bytes into `output`. The box begins at element `first`; its rows lie
 * `s1` and its planes `s2` elements apart in the chunk, `o1` and `o2` bytes apart in the output; a row's elements are
 * neighbours in both. The chunk of `total` bytes lies at `blocks`, in blocks of `blockSize` bytes that are byte-shuffled
 * with the element's size where `shuffled`.
 */
export function gather(
  blocks: usize, total: u32, blockSize: u32, size: u32, shuffled: bool,
  first: u32, n0: u32, n1: u32, n2: u32, s1: u32, s2: u32, output: usize, o1: u32, o2: u32,
): void {
  const blockCount = blockSize / size;
  for (let z: u32 = 0; z < n2; z++) {
    for (let y: u32 = 0; y < n1; y++) {
      let element = first + z * s2 + y * s1;
      let to = output + z * o2 + y * o1;
      if (!shuffled) {
        const from = blocks + element * size;
        if (n0 == 1 && size == 2) store<u16>(to, load<u16>(from));
        else if (n0 == 1 && size == 4) store<u32>(to, load<u32>(from));
        else memory.copy(to, from, n0 * size);
        continue;
      }
      let rest = n0;
      while (rest > 0) {
        const block = element / blockCount;
        const start = block * blockCount;
        const count = min(blockCount, (total - block * blockSize) / size);
        const n = min(rest, start + count - element);
        joinPlanes(blocks + block * blockSize + (element - start), count, size, n, to);
        element += n;
        to += n * size;
        rest -= n;
      }
    }
  }
}

/** Where the host's memory begins. */
export function heapBase(): usize {
  return __heap_base;
}
