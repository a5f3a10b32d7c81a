// Resumable inflate (RFC 1951) and CRC-32 (RFC 1952, section 8), in AssemblyScript.
//
// The host fills the input buffer, calls `run`, reads what is between two positions of the output buffer, and
// calls again. Nothing here allocates. `run` stops where input or room runs out, where the stream ends, and at
// the first block that starts at or after a position that the host names: a place where decoding can begin again.
//
// Symbols whose bits are not all there are not consumed, so the host alone decides what a missing byte means.

const WINDOW: u32 = 32768;
const IN_SIZE: u32 = 1 << 18;
const OUT_SIZE: u32 = 1 << 18;

// The longest match past the end of the output, and what a 16-byte copy writes behind it.
const OUT_SLOP: u32 = 512;

const LIT_BITS: u32 = 11;
const DIST_BITS: u32 = 8;
const CODE_BITS: u32 = 7;

const NEED_INPUT: i32 = 0;
const OUTPUT_FULL: i32 = 1;
const BLOCK: i32 = 2;
const END: i32 = 3;
const CORRUPT: i32 = -1;

const IN: usize = memory.data(IN_SIZE + 64, 16);
const OUT: usize = memory.data(WINDOW + OUT_SIZE + OUT_SLOP, 16);
const OUT_START: usize = OUT + WINDOW;
const OUT_END: usize = OUT + WINDOW + OUT_SIZE;

// Decoding tables: a root of 2^BITS entries, then subtables. 2342 and 402 entries are the most that complete codes
// of at most 15 bits can need (zlib's enough.c); incomplete ones have a single code.
const LIT_TABLE: usize = memory.data(4 * 2400, 16);
const DIST_TABLE: usize = memory.data(4 * 416, 16);
const CODE_TABLE: usize = memory.data(4 * 128, 16);

// Code lengths of one block (literals and lengths, then distances), and of the code that they are written in.
const LENGTHS: usize = memory.data(288 + 32 + 160, 16);
const CODE_LENGTHS: usize = memory.data(32, 16);
const COUNTS: usize = memory.data(4 * 16, 16);
const OFFSETS: usize = memory.data(4 * 16, 16);
const SORTED: usize = memory.data(2 * 288, 16);

// What a symbol decodes to, before the length of its code is added: filled by `init`.
const LIT_ENTRIES: usize = memory.data(4 * 288, 16);
const DIST_ENTRIES: usize = memory.data(4 * 32, 16);
const CODE_ENTRIES: usize = memory.data(4 * 32, 16);

const CRC_TABLES: usize = memory.data(16 * 1024, 16);

const CODE_ORDER: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);
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
const LITERAL: u32 = 0x8000;
const INVALID: u32 = 0x4000;
const SUBTABLE: u32 = 0x2000;
const END_OF_BLOCK: u32 = 0x1000;
// On a literal: there are two.
const PAIR: u32 = 0x1000;

const AT_BLOCK: u32 = 0;
const IN_CODES: u32 = 1;
const IN_STORED: u32 = 2;
const AT_END: u32 = 3;

let phase: u32 = AT_BLOCK;
let final: u32 = 0;
let storedLeft: u32 = 0;
let hold: u64 = 0;
let bits: u32 = 0;
let inAt: usize = IN;
let inEnd: usize = IN;
let outAt: usize = OUT_START;
// The earliest byte that a distance may reach.
let history: usize = OUT_START;

export function inputBuffer(): usize {
  return IN;
}
export function inputSize(): u32 {
  return IN_SIZE;
}
export function outputSize(): u32 {
  return OUT_SIZE + OUT_SLOP;
}
export function outputBuffer(): usize {
  return OUT;
}
/** Where the next input byte that was not consumed is; `pendingBits` of the byte before it are not consumed either. */
export function inputAt(): u32 {
  return <u32>(inAt - IN);
}
export function pendingBits(): u32 {
  return bits;
}
export function outputAt(): u32 {
  return <u32>(outAt - OUT);
}
export function setInput(at: u32, end: u32): void {
  inAt = IN + at;
  inEnd = IN + end;
}

/** Begins a stream. `window` bytes of history are already in place before the output's start. */
export function reset(window: u32): void {
  phase = AT_BLOCK;
  final = 0;
  storedLeft = 0;
  hold = 0;
  bits = 0;
  outAt = OUT_START;
  history = OUT_START - window;
}

/** Begins in the middle of a byte: the first `count` bits of the input's next byte belong to someone else. */
export function skipBits(count: u32): void {
  hold = load<u8>(inAt) >> <u8>count;
  bits = 8 - count;
  inAt++;
}

/** Makes room: keeps the last window's worth of output as history. */
export function slide(): void {
  const produced: usize = outAt - OUT_START;
  memory.copy(OUT, outAt - WINDOW, WINDOW);
  outAt = OUT_START;
  const moved = history > OUT + produced ? history - produced : OUT;
  history = moved;
}

export function init(): void {
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
  for (let i: u32 = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xedb88320 & (0 - (crc & 1)));
    store<u32>(CRC_TABLES + (i << 2), crc);
  }
  for (let i: u32 = 0; i < 256; i++) {
    let crc = load<u32>(CRC_TABLES + (i << 2));
    for (let table: u32 = 1; table < 16; table++) {
      crc = (crc >> 8) ^ load<u32>(CRC_TABLES + ((crc & 255) << 2));
      store<u32>(CRC_TABLES + (table << 10) + (i << 2), crc);
    }
  }
}

// @ts-expect-error: decorator
@inline function lookup(table: u32, byte: u32): u32 {
  return load<u32>(CRC_TABLES + ((table << 10) + ((byte & 255) << 2)));
}

/** CRC-32 of output bytes `[from, to)`, going on from `crc`. Sixteen tables take sixteen bytes a step. */
export function crc32(from: u32, to: u32, crc: u32): u32 {
  let at: usize = OUT + from;
  const end: usize = OUT + to;
  crc = ~crc;
  while (at + 16 <= end) {
    const a = load<u64>(at) ^ <u64>crc;
    const b = load<u64>(at, 8);
    const a0 = <u32>a;
    const a1 = <u32>(a >> 32);
    const b0 = <u32>b;
    const b1 = <u32>(b >> 32);
    crc =
      lookup(15, a0) ^ lookup(14, a0 >> 8) ^ lookup(13, a0 >> 16) ^ lookup(12, a0 >> 24) ^
      lookup(11, a1) ^ lookup(10, a1 >> 8) ^ lookup(9, a1 >> 16) ^ lookup(8, a1 >> 24) ^
      lookup(7, b0) ^ lookup(6, b0 >> 8) ^ lookup(5, b0 >> 16) ^ lookup(4, b0 >> 24) ^
      lookup(3, b1) ^ lookup(2, b1 >> 8) ^ lookup(1, b1 >> 16) ^ lookup(0, b1 >> 24);
    at += 16;
  }
  while (at < end) {
    crc = (crc >> 8) ^ lookup(0, crc ^ load<u8>(at));
    at++;
  }
  return ~crc;
}

// @ts-expect-error: decorator
@inline function withLength(entry: u32, length: u32): u32 {
  return (entry + length) | (length << 8);
}

/**
 * Builds a decoding table from code lengths (RFC 1951, section 3.2.2), shortest codes first: whenever codes become a
 * bit longer, the table so far is doubled by a copy. Over-subscribed codes are refused; incomplete ones too, except
 * (as in zlib, and not in the code-length code) none at all, or a single code of one bit.
 */
function build(table: usize, rootBits: u32, lengths: usize, count: u32, entries: usize, allowSingle: bool): bool {
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
function pairLiterals(): void {
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

function fixedCodes(): void {
  memory.fill(LENGTHS, 8, 144);
  memory.fill(LENGTHS + 144, 9, 112);
  memory.fill(LENGTHS + 256, 7, 24);
  memory.fill(LENGTHS + 280, 8, 8);
  memory.fill(LENGTHS + 288, 5, 32);
  build(LIT_TABLE, LIT_BITS, LENGTHS, 288, LIT_ENTRIES, true);
  build(DIST_TABLE, DIST_BITS, LENGTHS + 288, 32, DIST_ENTRIES, true);
  pairLiterals();
}

// @ts-expect-error: decorator
@inline function mask(count: u32): u64 {
  return (<u64>1 << <u64>count) - 1;
}

/**
 * Reads a dynamic block's codes (RFC 1951, section 3.2.7). `hold` and `bits` are the globals, filled a byte at a time:
 * a header comes once in thousands of symbols.
 */
function dynamicCodes(): i32 {
  if (!want(14)) return NEED_INPUT;
  const lits: u32 = take(5) + 257;
  const dists: u32 = take(5) + 1;
  const codes: u32 = take(4) + 4;
  if (lits > 286 || dists > 30) return CORRUPT;
  memory.fill(CODE_LENGTHS, 0, 19);
  for (let i: u32 = 0; i < codes; i++) {
    if (!want(3)) return NEED_INPUT;
    store<u8>(CODE_LENGTHS + load<u8>(CODE_ORDER + i), <u8>take(3));
  }
  if (!build(CODE_TABLE, CODE_BITS, CODE_LENGTHS, 19, CODE_ENTRIES, false)) return CORRUPT;
  const total = lits + dists;
  let i: u32 = 0;
  while (i < total) {
    want(14);
    const entry = load<u32>(CODE_TABLE + (<usize>(hold & 127) << 2));
    const length = entry & 255;
    if (length > bits) return NEED_INPUT;
    const symbol = entry >> 16;
    if (symbol < 16) {
      take(length);
      store<u8>(LENGTHS + i++, <u8>symbol);
      continue;
    }
    const extra: u32 = symbol == 16 ? 2 : symbol == 17 ? 3 : 7;
    if (length + extra > bits) return NEED_INPUT;
    take(length);
    const times: u32 = take(extra) + (symbol == 18 ? 11 : 3);
    if (symbol == 16 && i == 0) return CORRUPT;
    if (i + times > total) return CORRUPT;
    memory.fill(LENGTHS + i, symbol == 16 ? load<u8>(LENGTHS + i - 1) : 0, times);
    i += times;
  }
  if (load<u8>(LENGTHS + 256) == 0) return CORRUPT;
  // Distances first: building moves nothing, and literals' lengths lie before theirs.
  if (!build(DIST_TABLE, DIST_BITS, LENGTHS + lits, dists, DIST_ENTRIES, true)) return CORRUPT;
  if (!build(LIT_TABLE, LIT_BITS, LENGTHS, lits, LIT_ENTRIES, true)) return CORRUPT;
  pairLiterals();
  return END;
}

/** Fills `hold` until it has `count` bits; false where the input ends before. */
function want(count: u32): bool {
  while (bits < count) {
    if (inAt >= inEnd) return false;
    hold |= <u64>load<u8>(inAt++) << <u64>bits;
    bits += 8;
  }
  return true;
}

function take(count: u32): u32 {
  const value = <u32>(hold & mask(count));
  hold >>= <u64>count;
  bits -= count;
  return value;
}

/** A block's header. On `NEED_INPUT` nothing is consumed. */
function blockHeader(): i32 {
  const inBefore = inAt;
  const holdBefore = hold;
  const bitsBefore = bits;
  let result = NEED_INPUT;
  if (want(3)) {
    const last = take(1);
    const type = take(2);
    if (type == 0) {
      take(bits & 7);
      if (want(32)) {
        const length = take(16);
        if ((length ^ 0xffff) != take(16)) return CORRUPT;
        storedLeft = length;
        // Whole bytes in `hold` go back to the input, for the copy that follows.
        inAt -= bits >> 3;
        hold = 0;
        bits = 0;
        phase = IN_STORED;
        result = END;
      }
    } else if (type == 1) {
      fixedCodes();
      phase = IN_CODES;
      result = END;
    } else if (type == 2) {
      result = dynamicCodes();
      if (result == END) phase = IN_CODES;
    } else return CORRUPT;
    if (result == END) final = last;
  }
  if (result == NEED_INPUT) {
    inAt = inBefore;
    hold = holdBefore;
    bits = bitsBefore;
  }
  return result;
}

function storedBlock(): i32 {
  while (storedLeft) {
    if (inAt >= inEnd) return NEED_INPUT;
    if (outAt >= OUT_END) return OUTPUT_FULL;
    const n = min(storedLeft, min(<u32>(inEnd - inAt), <u32>(OUT_END - outAt)));
    memory.copy(outAt, inAt, n);
    inAt += n;
    outAt += n;
    storedLeft -= n;
  }
  return END;
}

/** Copies a match; writes up to 15 bytes too many. Overlaps repeat, as RFC 1951 has it. */
// @ts-expect-error: decorator
@inline function copyMatch(to: usize, distance: u32, stop: usize): void {
  let from = to - distance;
  if (distance >= 16) {
    do {
      COPY16(to, from);
      to += 16;
      from += 16;
    } while (to < stop);
  } else if (distance >= 8) {
    do {
      store<u64>(to, load<u64>(from));
      to += 8;
      from += 8;
    } while (to < stop);
  } else if (distance == 1) {
    const run = <u64>load<u8>(from) * 0x0101010101010101;
    do {
      store<u64>(to, run);
      to += 8;
    } while (to < stop);
  } else {
    // Eight bytes of which the first `distance` are right, each time.
    do {
      store<u64>(to, load<u64>(from));
      to += distance;
      from += distance;
    } while (to < stop);
  }
}

// @ts-expect-error: decorator
@inline function COPY16(to: usize, from: usize): void {
  if (ASC_FEATURE_SIMD) v128.store(to, v128.load(from));
  else {
    const a = load<u64>(from);
    const b = load<u64>(from, 8);
    store<u64>(to, a);
    store<u64>(to, b, 8);
  }
}

/** Symbols one at a time, near the end of the input: nothing is consumed before all its bits are there. */
function carefulCodes(): i32 {
  while (outAt < OUT_END) {
    want(48);
    let entry = load<u32>(LIT_TABLE + (<usize>(hold & mask(LIT_BITS)) << 2));
    let used: u32 = 0;
    if (entry & SUBTABLE) {
      used = LIT_BITS;
      entry = load<u32>(LIT_TABLE + (<usize>((entry >> 16) + <u32>((hold >> LIT_BITS) & mask((entry >> 8) & 15))) << 2));
    }
    if (entry & LITERAL) {
      // The first of a pair alone: the bits of the second may not be there.
      used += (entry >> 8) & 15;
      if (used > bits) return NEED_INPUT;
      take(used);
      store<u8>(outAt++, <u8>(entry >> 16));
      continue;
    }
    if (entry & INVALID) return bits < 48 ? NEED_INPUT : CORRUPT;
    if (entry & END_OF_BLOCK) {
      used += entry & 255;
      if (used > bits) return NEED_INPUT;
      take(used);
      return END;
    }
    const lengthBits = (entry >> 8) & 15;
    const extra = (entry & 255) - lengthBits;
    used += lengthBits;
    const length = (entry >> 16) + <u32>((hold >> used) & mask(extra));
    used += extra;
    if (used > bits) return NEED_INPUT;
    entry = load<u32>(DIST_TABLE + (<usize>((hold >> used) & mask(DIST_BITS)) << 2));
    if (entry & SUBTABLE) {
      used += DIST_BITS;
      entry = load<u32>(DIST_TABLE + (<usize>((entry >> 16) + <u32>((hold >> used) & mask((entry >> 8) & 15))) << 2));
    }
    if (entry & INVALID) return bits < 48 ? NEED_INPUT : CORRUPT;
    const distBits = (entry >> 8) & 15;
    const distExtra = (entry & 255) - distBits;
    used += distBits;
    const distance = (entry >> 16) + <u32>((hold >> used) & mask(distExtra));
    used += distExtra;
    if (used > bits) return NEED_INPUT;
    if (outAt - distance < history) return CORRUPT;
    take(used);
    copyMatch(outAt, distance, outAt + length);
    outAt += length;
  }
  return OUTPUT_FULL;
}

/**
 * Symbols while at least 24 bytes of input lie ahead: enough that no step here looks at a byte that is not there.
 * A refill leaves 56 bits or more: three literals of the root and then, refilled, a whole match (at most 48 bits).
 * Of `b` the low byte alone counts, so that an entry is subtracted as it is; shifts take their counts modulo 64.
 */
function fastCodes(): i32 {
  if (inEnd < IN + 24) return NEED_INPUT;
  const inSafe = inEnd - 24;
  const earliest = history;
  let h = hold;
  let b: u32 = bits;
  let from = inAt;
  let to = outAt;
  let result = NEED_INPUT;
  while (from < inSafe && to < OUT_END) {
    h |= load<u64>(from) << <u64>b;
    from += 7 - ((b >> 3) & 7);
    b |= 56;
    let entry = load<u32>(LIT_TABLE + (<usize>(<u32>h & 2047) << 2));
    if (entry & LITERAL) {
      h >>= <u64>entry;
      b -= entry;
      store<u16>(to, <u16>(entry >> 16));
      to += 1 + ((entry >> 12) & 1);
      entry = load<u32>(LIT_TABLE + (<usize>(<u32>h & 2047) << 2));
      if (entry & LITERAL) {
        h >>= <u64>entry;
        b -= entry;
        store<u16>(to, <u16>(entry >> 16));
        to += 1 + ((entry >> 12) & 1);
        entry = load<u32>(LIT_TABLE + (<usize>(<u32>h & 2047) << 2));
        if (entry & LITERAL) {
          h >>= <u64>entry;
          b -= entry;
          store<u16>(to, <u16>(entry >> 16));
          to += 1 + ((entry >> 12) & 1);
          entry = load<u32>(LIT_TABLE + (<usize>(<u32>h & 2047) << 2));
          if (entry & LITERAL) {
            h >>= <u64>entry;
            b -= entry;
            store<u16>(to, <u16>(entry >> 16));
            to += 1 + ((entry >> 12) & 1);
            continue;
          }
        }
      }
      h |= load<u64>(from) << <u64>b;
      from += 7 - ((b >> 3) & 7);
      b |= 56;
    }
    if (entry & (SUBTABLE | END_OF_BLOCK | INVALID)) {
      if (entry & SUBTABLE) {
        h >>= LIT_BITS;
        b -= LIT_BITS;
        entry = load<u32>(LIT_TABLE + (<usize>((entry >> 16) + <u32>(h & mask((entry >> 8) & 15))) << 2));
        if (entry & LITERAL) {
          h >>= <u64>entry;
          b -= entry;
          store<u8>(to++, <u8>(entry >> 16));
          continue;
        }
      }
      if (entry & INVALID) {
        result = CORRUPT;
        break;
      }
      if (entry & END_OF_BLOCK) {
        h >>= <u64>entry;
        b -= entry;
        result = END;
        break;
      }
    }
    const length = (entry >> 16) + ((<u32>h & ((1 << (entry & 31)) - 1)) >> ((entry >> 8) & 15));
    h >>= <u64>entry;
    b -= entry;
    entry = load<u32>(DIST_TABLE + (<usize>(<u32>h & 255) << 2));
    if (entry & (SUBTABLE | INVALID)) {
      if (entry & SUBTABLE) {
        h >>= DIST_BITS;
        b -= DIST_BITS;
        entry = load<u32>(DIST_TABLE + (<usize>((entry >> 16) + (<u32>h & ((1 << ((entry >> 8) & 15)) - 1))) << 2));
      }
      if (entry & INVALID) {
        result = CORRUPT;
        break;
      }
    }
    const distance = (entry >> 16) + ((<u32>h & ((1 << (entry & 31)) - 1)) >> ((entry >> 8) & 15));
    h >>= <u64>entry;
    b -= entry;
    if (to - distance < earliest) {
      result = CORRUPT;
      break;
    }
    copyMatch(to, distance, to + length);
    to += length;
  }
  b &= 63;
  hold = h & mask(b);
  bits = b;
  inAt = from;
  outAt = to;
  return result;
}

/**
 * Decodes until something stops it: `NEED_INPUT`, `OUTPUT_FULL`, `END` of the stream, `CORRUPT`, or `BLOCK`, which is the
 * first block whose output starts at or after `stopAt` (a position in the output buffer).
 */
export function run(stopAt: u32): i32 {
  let result = END;
  while (true) {
    if (phase == AT_END) {
      result = END;
      break;
    }
    if (phase == AT_BLOCK) {
      if (outAt - OUT >= <usize>stopAt) {
        result = BLOCK;
        break;
      }
      result = blockHeader();
    } else {
      if (phase == IN_STORED) result = storedBlock();
      else {
        result = fastCodes();
        if (result == NEED_INPUT) result = carefulCodes();
      }
      if (result == END) phase = final ? AT_END : AT_BLOCK;
    }
    if (result != END) break;
  }
  // Whole bytes that were read ahead go back to the input, which the host may move.
  inAt -= bits >> 3;
  bits &= 7;
  hold &= mask(bits);
  return result;
}
