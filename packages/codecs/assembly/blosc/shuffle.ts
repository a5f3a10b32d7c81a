// Byte and bit shuffle. Shuffled, plane b holds byte b of every element; bit-shuffled, plane 8 b + k holds bit k of byte b.
//
// TypeScript knows decorators of classes only: hence `@ts-expect-error` before AssemblyScript's `@inline`.

function low8(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}
function high8(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}
function low16(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 0, 8, 1, 9, 2, 10, 3, 11);
}
function high16(a: v128, b: v128): v128 {
  return v128.shuffle<u16>(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
}
function low32(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 0, 4, 1, 5);
}
function high32(a: v128, b: v128): v128 {
  return v128.shuffle<u32>(a, b, 2, 6, 3, 7);
}

/** `count` elements of `size` bytes from planes that lie `stride` bytes apart, the first element at `planes`. */
// @ts-expect-error: decorator
@inline export function joinPlanes(planes: usize, stride: usize, size: u32, count: u32, output: usize): void {
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
function transpose8(x: u64): u64 {
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
