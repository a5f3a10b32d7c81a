// The tables of deflate (RFC 1951) for a decoder in JavaScript: from code lengths to what a few bits mean.

export const LITERAL_BITS = 11;
export const DISTANCE_BITS = 8;
export const CODE_BITS = 7;

// A table entry: bits 0-7 how many bits to drop (code and extra bits), 8-11 the code's bits alone, 12-15 what it is,
// 16-30 a literal, a base to which the extra bits are added, or where a subtable starts.
export const LITERAL = 0x8000;
export const INVALID = 0x4000;
export const SUBTABLE = 0x2000;
export const END_OF_BLOCK = 0x1000;

// RFC 1951, sections 3.2.5 and 3.2.7.
export const CODE_ORDER: readonly number[] = [
  16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];
const LENGTH_BASE: readonly number[] = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195,
  227, 258,
];
const LENGTH_EXTRA: readonly number[] = [
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
];
const DISTANCE_BASE: readonly number[] = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097,
  6145, 8193, 12289, 16385, 24577,
];
const DISTANCE_EXTRA: readonly number[] = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];

export const LITERAL_ENTRIES: Int32Array = Int32Array.from({ length: 288 }, (_, symbol) => {
  if (symbol < 256) return (symbol << 16) | LITERAL;
  if (symbol === 256) return END_OF_BLOCK;
  return symbol > 285 ? INVALID : (LENGTH_BASE[symbol - 257]! << 16) | LENGTH_EXTRA[symbol - 257]!;
});
export const DISTANCE_ENTRIES: Int32Array = Int32Array.from({ length: 32 }, (_, symbol) =>
  symbol > 29 ? INVALID : (DISTANCE_BASE[symbol]! << 16) | DISTANCE_EXTRA[symbol]!,
);
export const CODE_ENTRIES: Int32Array = Int32Array.from({ length: 19 }, (_, symbol) => symbol << 16);

export const FIXED_LENGTHS: Uint8Array = Uint8Array.from({ length: 320 }, (_, symbol) =>
  symbol < 144 ? 8 : symbol < 256 ? 9 : symbol < 280 ? 7 : symbol < 288 ? 8 : 5,
);

/**
 * Builds a decoding table from code lengths (RFC 1951, section 3.2.2). Over-subscribed codes are refused; incomplete
 * ones too, except (as in zlib, and not in the code-length code) none at all, or a single code of one bit.
 */
export function buildTable(
  table: Int32Array,
  rootBits: number,
  lengths: Uint8Array,
  from: number,
  to: number,
  entries: Int32Array,
  allowSingle: boolean,
): boolean {
  const counts = new Int32Array(16);
  for (let i = from; i < to; i++) counts[lengths[i]!]!++;
  counts[0] = 0;
  const next = new Int32Array(16);
  let left = 1;
  let longest = 0;
  let code = 0;
  for (let length = 1; length < 16; length++) {
    code = (code + counts[length - 1]!) << 1;
    next[length] = code;
    left = left * 2 - counts[length]!;
    if (left < 0) return false;
    if (counts[length]! > 0) longest = length;
  }
  const rootSize = 1 << rootBits;
  if (left > 0) {
    if (!allowSingle || longest > 1) return false;
    table.fill(INVALID | 1, 0, rootSize);
  } else if (longest > rootBits) table.fill(0, 0, rootSize);
  const subBits = longest - rootBits;
  let end = rootSize;
  for (let i = from; i < to; i++) {
    const length = lengths[i]!;
    if (length === 0) continue;
    let forward = next[length]!++;
    let reversed = 0;
    for (let bit = 0; bit < length; bit++) {
      reversed = (reversed << 1) | (forward & 1);
      forward >>= 1;
    }
    const entry = entries[i - from]!;
    if (length <= rootBits) {
      const packed = (entry + length) | (length << 8);
      for (let at = reversed; at < rootSize; at += 1 << length) table[at] = packed;
      continue;
    }
    const prefix = reversed & (rootSize - 1);
    if (table[prefix] === 0) {
      table[prefix] = (end << 16) | SUBTABLE | (subBits << 8) | rootBits;
      end += 1 << subBits;
    }
    const start = table[prefix]! >> 16;
    const rest = length - rootBits;
    const packed = (entry + rest) | (rest << 8);
    for (let at = reversed >> rootBits; at < 1 << subBits; at += 1 << rest) table[start + at] = packed;
  }
  return true;
}
