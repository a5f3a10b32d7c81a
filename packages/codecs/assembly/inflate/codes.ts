// The codes of a block as decoding tables (RFC 1951, section 3.2).

export const LIT_BITS: u32 = 11;
export const DIST_BITS: u32 = 8;
export const CODE_BITS: u32 = 7;

// Decoding tables: a root of 2^BITS entries, then subtables. 2342 and 402 entries are the most that complete codes
// of at most 15 bits can need (zlib's enough.c); incomplete ones have a single code.
export const LIT_TABLE: usize = memory.data(4 * 2400, 16);
export const DIST_TABLE: usize = memory.data(4 * 416, 16);
export const CODE_TABLE: usize = memory.data(4 * 128, 16);

// Code lengths of one block (literals and lengths, then distances), and of the code that they are written in.
export const LENGTHS: usize = memory.data(288 + 32 + 160, 16);
export const CODE_LENGTHS: usize = memory.data(32, 16);
const COUNTS: usize = memory.data(4 * 16, 16);
const OFFSETS: usize = memory.data(4 * 16, 16);
const SORTED: usize = memory.data(2 * 288, 16);

// What a symbol decodes to, before the length of its code is added: filled by `prepareEntries`.
export const LIT_ENTRIES: usize = memory.data(4 * 288, 16);
export const DIST_ENTRIES: usize = memory.data(4 * 32, 16);
export const CODE_ENTRIES: usize = memory.data(4 * 32, 16);

const LENGTH_BASE: usize = memory.data<u16>([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
]);
const LENGTH_EXTRA: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0,
]);
const DIST_BASE: usize = memory.data<u16>([
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
]);
const DIST_EXTRA: usize = memory.data<u8>([
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
]);

// A table entry: bits 0-7 how many bits to drop (code and extra bits), 8-11 the code's bits alone, 12-15 what it is,
// 16-31 the value: a literal or two, a base to which the extra bits are added, or where a subtable starts.
export const LITERAL: u32 = 0x8000;
export const INVALID: u32 = 0x4000;
export const SUBTABLE: u32 = 0x2000;
export const END_OF_BLOCK: u32 = 0x1000;
// On a literal: there are two.
const PAIR: u32 = 0x1000;

/** Fills what symbols decode to. */
export function prepareEntries(): void {
  for (let i: u32 = 0; i < 288; i++) {
    let entry = INVALID;
    if (i < 256) entry = (i << 16) | LITERAL;
    else if (i == 256) entry = END_OF_BLOCK;
    else if (i < 286) entry = (<u32>load<u16>(LENGTH_BASE + ((i - 257) << 1)) << 16) | load<u8>(LENGTH_EXTRA + (i - 257));
    store<u32>(LIT_ENTRIES + (i << 2), entry);
  }
  for (let i: u32 = 0; i < 32; i++) {
    const entry = i < 30 ? (<u32>load<u16>(DIST_BASE + (i << 1)) << 16) | load<u8>(DIST_EXTRA + i) : INVALID;
    store<u32>(DIST_ENTRIES + (i << 2), entry);
    store<u32>(CODE_ENTRIES + (i << 2), i << 16);
  }
}

function withLength(entry: u32, length: u32): u32 {
  return (entry + length) | (length << 8);
}

/**
 * Builds a decoding table from code lengths (RFC 1951, section 3.2.2), shortest codes first: whenever codes become a
 * bit longer, the table so far is doubled by a copy. Over-subscribed codes are refused; incomplete ones too, except
 * (as in zlib, and not in the code-length code) none at all, or a single code of one bit.
 */
export function build(table: usize, rootBits: u32, lengths: usize, count: u32, entries: usize, allowSingle: bool): bool {
  memory.fill(COUNTS, 0, 64);
  for (let i: u32 = 0; i < count; i++) {
    const at = COUNTS + (<usize>load<u8>(lengths + i) << 2);
    store<u32>(at, load<u32>(at) + 1);
  }
  let left: i32 = 1;
  let longest: u32 = 0;
  let offset: u32 = 0;
  for (let length: u32 = 1; length < 16; length++) {
    const n = load<u32>(COUNTS + (length << 2));
    store<u32>(OFFSETS + (length << 2), offset);
    offset += n;
    left = left * 2 - <i32>n;
    if (left < 0) return false;
    if (n) longest = length;
  }
  const rootSize: u32 = 1 << rootBits;
  if (left > 0) {
    if (!allowSingle || longest > 1) return false;
    for (let i: u32 = 0; i < rootSize; i++) store<u32>(table + (i << 2), INVALID | 1);
    if (longest == 0) return true;
  }
  for (let i: u32 = 0; i < count; i++) {
    const length: u32 = load<u8>(lengths + i);
    if (!length) continue;
    const at = OFFSETS + (length << 2);
    const to = load<u32>(at);
    store<u16>(SORTED + (to << 1), <u16>i);
    store<u32>(at, to + 1);
  }
  let symbol = SORTED;
  if (left > 0) {
    const entry = withLength(load<u32>(entries + (<u32>load<u16>(symbol) << 2)), 1);
    for (let i: u32 = 0; i < rootSize; i += 2) store<u32>(table + (i << 2), entry);
    return true;
  }

  let length: u32 = 1;
  let n = load<u32>(COUNTS + 4);
  while (n == 0) n = load<u32>(COUNTS + (++length << 2));
  // Codes are read from the stream's low bits: counted with their bits reversed.
  let code: u32 = 0;
  let filled: u32 = 1 << length;
  while (length <= rootBits) {
    do {
      store<u32>(table + (code << 2), withLength(load<u32>(entries + (<u32>load<u16>(symbol) << 2)), length));
      symbol += 2;
      if (code == filled - 1) {
        while (length < rootBits) {
          memory.copy(table + (filled << 2), table, filled << 2);
          filled <<= 1;
          length++;
        }
        return true;
      }
      const bit: u32 = 1 << (31 - clz<u32>(code ^ (filled - 1)));
      code = (code & (bit - 1)) | bit;
    } while (--n);
    do {
      if (++length <= rootBits) {
        memory.copy(table + (filled << 2), table, filled << 2);
        filled <<= 1;
      }
      n = load<u32>(COUNTS + (length << 2));
    } while (n == 0);
  }

  let end = rootSize;
  let prefix: u32 = 0xffffffff;
  let start: u32 = 0;
  while (true) {
    if ((code & (rootSize - 1)) != prefix) {
      prefix = code & (rootSize - 1);
      start = end;
      let subBits = length - rootBits;
      let used = n;
      while (used < <u32>1 << subBits) {
        subBits++;
        used = (used << 1) + load<u32>(COUNTS + ((rootBits + subBits) << 2));
      }
      end = start + (1 << subBits);
      store<u32>(table + (prefix << 2), (start << 16) | SUBTABLE | (subBits << 8) | rootBits);
    }
    const entry = withLength(load<u32>(entries + (<u32>load<u16>(symbol) << 2)), length - rootBits);
    symbol += 2;
    const stride: u32 = 1 << (length - rootBits);
    for (let i = start + (code >> rootBits); i < end; i += stride) store<u32>(table + (i << 2), entry);
    if (code == (<u32>1 << length) - 1) return true;
    const bit: u32 = 1 << (31 - clz<u32>(code ^ ((1 << length) - 1)));
    code = (code & (bit - 1)) | bit;
    n--;
    while (n == 0) n = load<u32>(COUNTS + (++length << 2));
  }
}

/** Lets one entry decode two literals where both codes fit the root. From the end, so that what is looked at is still single. */
export function pairLiterals(): void {
  for (let i: u32 = (1 << LIT_BITS) - 1; i > 0; i--) {
    const entry = load<u32>(LIT_TABLE + (i << 2));
    if (!(entry & LITERAL)) continue;
    const drop = entry & 255;
    const next = load<u32>(LIT_TABLE + ((i >> drop) << 2));
    if ((next & LITERAL) && !(next & PAIR) && (next & 255) + drop <= LIT_BITS) {
      store<u32>(
        LIT_TABLE + (i << 2),
        (entry & 0x00ff0000) | ((next & 0x00ff0000) << 8) | LITERAL | PAIR | (drop << 8) | (drop + (next & 255)),
      );
    }
  }
}

export function fixedCodes(): void {
  memory.fill(LENGTHS, 8, 144);
  memory.fill(LENGTHS + 144, 9, 112);
  memory.fill(LENGTHS + 256, 7, 24);
  memory.fill(LENGTHS + 280, 8, 8);
  memory.fill(LENGTHS + 288, 5, 32);
  build(LIT_TABLE, LIT_BITS, LENGTHS, 288, LIT_ENTRIES, true);
  build(DIST_TABLE, DIST_BITS, LENGTHS + 288, 32, DIST_ENTRIES, true);
  pairLiterals();
}
