// Zstandard frames (RFC 8878) decoded at once into memory of a known size, in AssemblyScript with SIMD; and rows taken
// out of what was decoded.
//
// The host owns the memory behind `heapBase()` and passes addresses. Every area that is read or written needs SLACK bytes
// behind it: copies move 16 bytes at a time and may run past an end, never past the slack. In front of an area there is
// always memory of this module, so that bits may be looked at up to 16 bytes before a stream begins.
//
// Section numbers are those of RFC 8878.

const CORRUPT: i32 = -1;
const TRUNCATED: i32 = -2;
const DICTIONARY: i32 = -3;
const CHECKSUM: i32 = -4;
const TOO_LONG: i32 = -5;
const WRONG_SIZE: i32 = -6;
const NO_FRAME: i32 = -7;

const MAGIC: u32 = 0xfd2fb528;
const SKIPPABLE: u32 = 0x184d2a50;
const MAX_BLOCK: u32 = 131072;
/** Exponents of windows: the format's least, and the most that decoders in use take. */
const MIN_WINDOW_LOG: u32 = 10;
const MAX_WINDOW_LOG: u32 = 31;

// Huffman codes have at most 11 bits (section 4.2.1); shorter tables are stretched to 11, so that the index is a constant
// shift away. Entry: bits 0-7 length of the code, 8-15 the symbol.
const HUFFMAN_LOG: u32 = 11;
const HUFFMAN: usize = memory.data(2 << 11, 16);
/** Symbols of one stream decoded from one 64-bit word: 5 x 11 bits behind at most 7 that were used before. */
const AT_ONCE: u32 = 5;

// FSE entry: bits 0-31 the base value, 32-39 how many extra bits it has, 40-47 how many bits the next state takes, 48-63
// the next state. States are byte offsets into the table.
const LL_LOG: u32 = 9;
const ML_LOG: u32 = 9;
const OF_LOG: u32 = 8;
const WEIGHT_LOG: u32 = 6;
const MAX_LL: u32 = 35;
const MAX_ML: u32 = 52;
const MAX_OF: u32 = 31;
const MAX_WEIGHT: u32 = 12;
const LL_TABLE: usize = memory.data(8 << 9, 16);
const ML_TABLE: usize = memory.data(8 << 9, 16);
const OF_TABLE: usize = memory.data(8 << 8, 16);
const WEIGHT_TABLE: usize = memory.data(8 << 6, 16);
const LL_DEFAULT: usize = memory.data(8 << 6, 16);
const ML_DEFAULT: usize = memory.data(8 << 6, 16);
const OF_DEFAULT: usize = memory.data(8 << 5, 16);

// Section 3.1.1.3.2.1.1.
const LL_BASE: usize = memory.data<u32>([
  0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 22, 24, 28, 32, 40, 48, 64, 128, 256, 512, 1024, 2048,
  4096, 8192, 16384, 32768, 65536,
]);
const LL_EXTRA: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
]);
const ML_BASE: usize = memory.data<u32>([
  3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 33, 34,
  35, 37, 39, 41, 43, 47, 51, 59, 67, 83, 99, 131, 259, 515, 1027, 2051, 4099, 8195, 16387, 32771, 65539,
]);
const ML_EXTRA: usize = memory.data<u8>([
  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 3, 3, 4,
  4, 5, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
]);
const OF_BASE: usize = memory.data(4 * 32, 16);
const OF_EXTRA: usize = memory.data(32, 16);

// Section 3.1.1.3.2.2.
const LL_COUNTS: usize = memory.data<i16>([
  4, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 3, 2, 1, 1, 1, 1, 1, -1, -1, -1, -1,
]);
const ML_COUNTS: usize = memory.data<i16>([
  1, 4, 3, 2, 2, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
  1, 1, 1, 1, 1, -1, -1, -1, -1, -1, -1, -1,
]);
const OF_COUNTS: usize = memory.data<i16>([
  1, 1, 1, 1, 1, 1, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, -1, -1, -1, -1,
]);

/** Symbol counts of the table being read, its symbols as they are spread, and the next state of each. */
const COUNTS: usize = memory.data(2 * 64, 16);
const SPREAD: usize = memory.data(512, 16);
const NEXT: usize = memory.data(4 * 64, 16);
const WEIGHTS: usize = memory.data(256 + 16, 16);
const RANKS: usize = memory.data(4 * 16, 16);
const LITERALS: usize = memory.data(131072 + 64, 16);
/** For a match closer than 16 bytes: which byte of it comes where in the 16 that are written. */
const PERIODS: usize = memory.data(16 * 16, 16);
const PERIOD_STEPS: usize = memory.data(16, 16);

let ready: bool = false;

// What a frame's blocks hand on: tables (address 0: none yet), and the three last offsets.
let hasHuffman: bool = false;
let llTable: usize = 0;
let mlTable: usize = 0;
let ofTable: usize = 0;
let llLog: u32 = 0;
let mlLog: u32 = 0;
let ofLog: u32 = 0;
let offset1: u32 = 1;
let offset2: u32 = 4;
let offset3: u32 = 8;

/** The result beside a length: bits of accuracy of the table that was read. */
let accuracy: u32 = 0;

// @ts-expect-error: decorator
@inline function highBit(x: u32): u32 {
  return 31 - clz(x);
}

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

function prepare(): void {
  ready = true;
  for (let code: u32 = 0; code <= MAX_OF; code++) {
    store<u32>(OF_BASE + 4 * code, 1 << code);
    store<u8>(OF_EXTRA + code, code);
  }
  for (let period: u32 = 1; period < 16; period++) {
    for (let n: u32 = 0; n < 16; n++) store<u8>(PERIODS + 16 * period + n, n % period);
    store<u8>(PERIOD_STEPS + period, 16 - (16 % period));
  }
  buildTable(LL_COUNTS, MAX_LL, 6, LL_BASE, LL_EXTRA, LL_DEFAULT);
  buildTable(ML_COUNTS, MAX_ML, 6, ML_BASE, ML_EXTRA, ML_DEFAULT);
  buildTable(OF_COUNTS, 28, 5, OF_BASE, OF_EXTRA, OF_DEFAULT);
}

/** One packed entry; without `bases` (the weights of a Huffman tree) the base is the symbol. */
// @ts-expect-error: decorator
@inline function entryOf(symbol: u32, bits: u32, next: u32, bases: usize, extras: usize): u64 {
  const base = bases == 0 ? symbol : load<u32>(bases + 4 * symbol);
  const extra = bases == 0 ? 0 : <u32>load<u8>(extras + symbol);
  return <u64>base | (<u64>extra << 32) | (<u64>bits << 40) | (<u64>(next << 3) << 48);
}

/** Section 4.1.1: from the symbols' counts, which add up to the table's size, to its states. */
function buildTable(counts: usize, most: u32, log: u32, bases: usize, extras: usize, table: usize): void {
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
function readCounts(input: usize, end: usize, most: u32, maxLog: u32): i32 {
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

/** Bits of a stream that is read from its end: all before the highest one of the last byte; negative where there is none. */
// @ts-expect-error: decorator
@inline function bitsOf(start: usize, end: usize): i32 {
  if (end <= start) return -1;
  const last: u32 = load<u8>(end - 1);
  if (last == 0) return -1;
  return (<i32>(end - start - 1) << 3) + <i32>highBit(last);
}

/** The `count` bits (at most 16) that end `rest` bits behind a stream's start; what is before the start is zero. */
// @ts-expect-error: decorator
@inline function bitsAt(start: usize, rest: i32, count: u32): u32 {
  const mask: u32 = (1 << count) - 1;
  const at = rest - <i32>count;
  if (at >= 0) return (load<u32>(start + (at >> 3)) >> (at & 7)) & mask;
  if (rest <= 0) return 0;
  return (load<u32>(start) << -at) & mask;
}

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
function readTree(input: usize, end: usize): i32 {
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

/** Decodes symbols one by one while their bits last. Whether output and bits end together. */
function finishStream(start: usize, bits: i32, output: usize, end: usize): bool {
  let rest = bits;
  let op = output;
  while (op < end) {
    const entry: u32 = load<u16>(HUFFMAN + (bitsAt(start, rest, HUFFMAN_LOG) << 1));
    rest -= entry & 0xff;
    if (rest < 0) return false;
    store<u8>(op++, entry >> 8);
  }
  return rest == 0;
}

// The bits of a stream are kept at the top of a 64-bit word, the next ones first. A one behind the last of them, set when
// the word is loaded, tells how many were used: as many as there are zeros behind it.

// @ts-expect-error: decorator
@inline function loadWord(at: usize, used: u64): u64 {
  return (load<u64>(at) | 1) << used;
}

// @ts-expect-error: decorator
@inline function look(word: u64): u32 {
  return load<u16>(HUFFMAN + ((<usize>(word >> 53)) << 1));
}

/** One Huffman stream (section 4.2.2). */
function decodeStream(start: usize, end: usize, output: usize, outputEnd: usize): bool {
  let bits = bitsOf(start, end);
  if (bits < 0) return false;
  let op = output;
  if (end - start >= 8) {
    let ip = end - 8;
    let word = loadWord(ip, 64 - <u64>(bits - (<i32>(ip - start) << 3)));
    for (;;) {
      let turns = min(<u32>(outputEnd - op) / AT_ONCE, <u32>(ip - start) / 7);
      if (turns == 0) break;
      do {
        let e = look(word);
        word <<= e;
        store<u8>(op, e >> 8);
        e = look(word);
        word <<= e;
        store<u8>(op, e >> 8, 1);
        e = look(word);
        word <<= e;
        store<u8>(op, e >> 8, 2);
        e = look(word);
        word <<= e;
        store<u8>(op, e >> 8, 3);
        e = look(word);
        word <<= e;
        store<u8>(op, e >> 8, 4);
        op += AT_ONCE;
        const used = ctz(word);
        ip -= <usize>(used >> 3);
        word = loadWord(ip, used & 7);
      } while (--turns);
    }
    bits = (<i32>(ip - start) << 3) + 64 - <i32>ctz(word);
  }
  return finishStream(start, bits, op, outputEnd);
}

/** Four Huffman streams behind a table of three lengths (section 4.2.2), decoded side by side. */
function decodeStreams(input: usize, end: usize, output: usize, size: u32): bool {
  if (size < 6 || end - input < 10) return false;
  const s0 = input + 6;
  const s1 = s0 + <usize>load<u16>(input);
  const s2 = s1 + <usize>load<u16>(input, 2);
  const s3 = s2 + <usize>load<u16>(input, 4);
  if (s3 >= end) return false;
  const piece = (size + 3) >> 2;
  let o0 = output;
  let o1 = o0 + piece;
  let o2 = o1 + piece;
  let o3 = o2 + piece;
  const outputEnd = output + size;
  let b0 = bitsOf(s0, s1);
  let b1 = bitsOf(s1, s2);
  let b2 = bitsOf(s2, s3);
  let b3 = bitsOf(s3, end);
  if ((b0 | b1 | b2 | b3) < 0 || o3 > outputEnd) return false;
  const ends1 = o1;
  const ends2 = o2;
  const ends3 = o3;
  if (s1 - s0 >= 8 && s2 - s1 >= 8 && s3 - s2 >= 8 && end - s3 >= 8) {
    let i0 = s1 - 8;
    let i1 = s2 - 8;
    let i2 = s3 - 8;
    let i3 = end - 8;
    let w0 = loadWord(i0, 64 - <u64>(b0 - (<i32>(i0 - s0) << 3)));
    let w1 = loadWord(i1, 64 - <u64>(b1 - (<i32>(i1 - s1) << 3)));
    let w2 = loadWord(i2, 64 - <u64>(b2 - (<i32>(i2 - s2) << 3)));
    let w3 = loadWord(i3, 64 - <u64>(b3 - (<i32>(i3 - s3) << 3)));
    for (;;) {
      // A turn takes at most 7 bytes of a stream; the last stream's output is the shortest.
      let turns = min(<u32>(i0 - s0), min(<u32>(i1 - s1), min(<u32>(i2 - s2), <u32>(i3 - s3)))) / 7;
      turns = min(turns, <u32>(outputEnd - o3) / AT_ONCE);
      if (turns == 0) break;
      do {
        // AT_ONCE times the same: no loop, because the compiler would not unroll it.
        let e0 = look(w0);
        let e1 = look(w1);
        let e2 = look(w2);
        let e3 = look(w3);
        w0 <<= e0;
        w1 <<= e1;
        w2 <<= e2;
        w3 <<= e3;
        store<u8>(o0, e0 >> 8);
        store<u8>(o1, e1 >> 8);
        store<u8>(o2, e2 >> 8);
        store<u8>(o3, e3 >> 8);
        e0 = look(w0);
        e1 = look(w1);
        e2 = look(w2);
        e3 = look(w3);
        w0 <<= e0;
        w1 <<= e1;
        w2 <<= e2;
        w3 <<= e3;
        store<u8>(o0, e0 >> 8, 1);
        store<u8>(o1, e1 >> 8, 1);
        store<u8>(o2, e2 >> 8, 1);
        store<u8>(o3, e3 >> 8, 1);
        e0 = look(w0);
        e1 = look(w1);
        e2 = look(w2);
        e3 = look(w3);
        w0 <<= e0;
        w1 <<= e1;
        w2 <<= e2;
        w3 <<= e3;
        store<u8>(o0, e0 >> 8, 2);
        store<u8>(o1, e1 >> 8, 2);
        store<u8>(o2, e2 >> 8, 2);
        store<u8>(o3, e3 >> 8, 2);
        e0 = look(w0);
        e1 = look(w1);
        e2 = look(w2);
        e3 = look(w3);
        w0 <<= e0;
        w1 <<= e1;
        w2 <<= e2;
        w3 <<= e3;
        store<u8>(o0, e0 >> 8, 3);
        store<u8>(o1, e1 >> 8, 3);
        store<u8>(o2, e2 >> 8, 3);
        store<u8>(o3, e3 >> 8, 3);
        e0 = look(w0);
        e1 = look(w1);
        e2 = look(w2);
        e3 = look(w3);
        w0 <<= e0;
        w1 <<= e1;
        w2 <<= e2;
        w3 <<= e3;
        store<u8>(o0, e0 >> 8, 4);
        store<u8>(o1, e1 >> 8, 4);
        store<u8>(o2, e2 >> 8, 4);
        store<u8>(o3, e3 >> 8, 4);
        o0 += AT_ONCE;
        o1 += AT_ONCE;
        o2 += AT_ONCE;
        o3 += AT_ONCE;
        const u0 = ctz(w0);
        const u1 = ctz(w1);
        const u2 = ctz(w2);
        const u3 = ctz(w3);
        i0 -= <usize>(u0 >> 3);
        i1 -= <usize>(u1 >> 3);
        i2 -= <usize>(u2 >> 3);
        i3 -= <usize>(u3 >> 3);
        w0 = loadWord(i0, u0 & 7);
        w1 = loadWord(i1, u1 & 7);
        w2 = loadWord(i2, u2 & 7);
        w3 = loadWord(i3, u3 & 7);
      } while (--turns);
    }
    b0 = (<i32>(i0 - s0) << 3) + 64 - <i32>ctz(w0);
    b1 = (<i32>(i1 - s1) << 3) + 64 - <i32>ctz(w1);
    b2 = (<i32>(i2 - s2) << 3) + 64 - <i32>ctz(w2);
    b3 = (<i32>(i3 - s3) << 3) + 64 - <i32>ctz(w3);
  }
  return (
    finishStream(s0, b0, o0, ends1) &&
    finishStream(s1, b1, o1, ends2) &&
    finishStream(s2, b2, o2, ends3) &&
    finishStream(s3, b3, o3, outputEnd)
  );
}

/** Section 3.1.1.3.2.1: one of the three tables, by its mode. Returns the bytes read, or CORRUPT. */
function readTable(
  mode: u32, input: usize, end: usize, most: u32, maxLog: u32, bases: usize, extras: usize, table: usize,
): i32 {
  if (mode == 1) {
    if (input >= end) return CORRUPT;
    const symbol: u32 = load<u8>(input);
    if (symbol > most) return CORRUPT;
    store<u64>(table, entryOf(symbol, 0, 0, bases, extras));
    accuracy = 0;
    return 1;
  }
  const used = readCounts(input, end, most, maxLog);
  if (used < 0) return CORRUPT;
  buildTable(COUNTS, most, accuracy, bases, extras, table);
  return used;
}

// @ts-expect-error: decorator
@inline function topBits(word: u64, count: u64): u32 {
  return <u32>((word >> 1) >> (63 - count));
}

/** Sections 3.1.1.3.2 and 3.1.1.4: decodes sequences and copies what they say. Returns the output's end, or 0. */
function runSequences(
  count: u32, start: usize, end: usize, literals: usize, literalsEnd: usize, output: usize, outputEnd: usize, frame: usize,
): usize {
  const bits = bitsOf(start, end);
  if (bits < <i32>(llLog + mlLog + ofLog)) return 0;
  const lls = llTable;
  const mls = mlTable;
  const ofs = ofTable;
  let lit = literals;
  let op = output;
  let r1 = offset1;
  let r2 = offset2;
  let r3 = offset3;
  // The word at `ip`, of which the highest `used` bits are used.
  let ip = end - 8;
  let used: u32 = 64 - (bits - (<i32>(ip - start) << 3));
  let word = load<u64>(ip) << used;
  let ll = topBits(word, llLog) << 3;
  word <<= llLog;
  let off = topBits(word, ofLog) << 3;
  word <<= ofLog;
  let ml = topBits(word, mlLog) << 3;
  used += llLog + mlLog + ofLog;
  for (let n = count; n > 0; n--) {
    ip -= used >> 3;
    used &= 7;
    word = load<u64>(ip) << used;
    if (ip < start && (<i32>(ip - start) << 3) + 64 < <i32>used) return 0;
    const llEntry = load<u64>(lls + ll);
    const mlEntry = load<u64>(mls + ml);
    const ofEntry = load<u64>(ofs + off);
    const llExtra = <u32>(llEntry >> 32) & 0xff;
    const mlExtra = <u32>(mlEntry >> 32) & 0xff;
    const ofExtra = <u32>(ofEntry >> 32) & 0xff;
    let offset = <u32>ofEntry + topBits(word, ofExtra);
    word <<= ofExtra;
    used += ofExtra;
    // At least 57 bits are there: enough for these and for the 26 of the states, unless numbers are very large.
    const many = ofExtra + mlExtra + llExtra > 31;
    if (many) {
      ip -= used >> 3;
      used &= 7;
      word = load<u64>(ip) << used;
    }
    const match = <u32>mlEntry + topBits(word, mlExtra);
    word <<= mlExtra;
    const length = <u32>llEntry + topBits(word, llExtra);
    word <<= llExtra;
    used += mlExtra + llExtra;
    if (many) {
      ip -= used >> 3;
      used &= 7;
      word = load<u64>(ip) << used;
    }
    if (n > 1) {
      const llBits = <u32>(llEntry >> 40) & 0xff;
      const mlBits = <u32>(mlEntry >> 40) & 0xff;
      const ofBits = <u32>(ofEntry >> 40) & 0xff;
      ll = <u32>(llEntry >> 48) + (topBits(word, llBits) << 3);
      word <<= llBits;
      ml = <u32>(mlEntry >> 48) + (topBits(word, mlBits) << 3);
      word <<= mlBits;
      off = <u32>(ofEntry >> 48) + (topBits(word, ofBits) << 3);
      used += llBits + mlBits + ofBits;
    }

    // Section 3.1.1.5: the first three values repeat an offset.
    if (offset > 3) {
      offset -= 3;
      r3 = r2;
      r2 = r1;
      r1 = offset;
    } else {
      const which = offset + <u32>(length == 0);
      if (which == 1) {
        offset = r1;
      } else {
        offset = which == 2 ? r2 : which == 3 ? r3 : r1 - 1;
        if (which != 2) r3 = r2;
        r2 = r1;
        r1 = offset;
      }
    }

    if (length > <u32>(literalsEnd - lit) || length + match > <u32>(outputEnd - op)) return 0;
    copy16(op, lit);
    if (length > 16) wildCopy(op + 16, lit + 16, op + length);
    lit += length;
    op += length;
    if (offset - 1 >= <u32>(op - frame)) return 0;
    const stop = op + match;
    if (offset >= 16) {
      const from = op - offset;
      copy16(op, from);
      if (match > 16) wildCopy(op + 16, from + 16, stop);
    } else {
      const filled = i8x16.swizzle(v128.load(op - offset), v128.load(PERIODS + (offset << 4)));
      const step: usize = load<u8>(PERIOD_STEPS + offset);
      do {
        v128.store(op, filled);
        op += step;
      } while (op < stop);
    }
    op = stop;
  }
  if ((<i32>(ip - start) << 3) + 64 != <i32>used) return 0;
  const left = literalsEnd - lit;
  if (left > outputEnd - op) return 0;
  memory.copy(op, lit, left);
  offset1 = r1;
  offset2 = r2;
  offset3 = r3;
  return op + left;
}

/** Section 3.1.1.3: one compressed block. Returns the output's end, or 0 where the block is corrupt. */
function decodeBlock(input: usize, end: usize, output: usize, outputEnd: usize, frame: usize, most: u32): usize {
  const length = <u32>(end - input);
  if (length < 2) return 0;
  // Section 3.1.1.3.1.
  const first: u32 = load<u8>(input);
  const type = first & 3;
  const format = (first >> 2) & 3;
  let ip = input;
  let size: u32;
  let packed: u32 = 0;
  let single = false;
  if (type < 2) {
    if ((format & 1) == 0) {
      size = first >> 3;
      ip += 1;
    } else if (format == 1) {
      size = load<u16>(ip) >> 4;
      ip += 2;
    } else {
      size = (load<u32>(ip) & 0xffffff) >> 4;
      ip += 3;
    }
    packed = type == 0 ? size : 1;
  } else {
    const word = load<u64>(ip);
    if (format < 2) {
      single = format == 0;
      size = <u32>(word >> 4) & 0x3ff;
      packed = <u32>(word >> 14) & 0x3ff;
      ip += 3;
    } else if (format == 2) {
      size = <u32>(word >> 4) & 0x3fff;
      packed = <u32>(word >> 18) & 0x3fff;
      ip += 4;
    } else {
      size = <u32>(word >> 4) & 0x3ffff;
      packed = <u32>(word >> 22) & 0x3ffff;
      ip += 5;
    }
  }
  // At least one byte follows: the number of sequences.
  if (ip >= end || size > most || packed >= <u32>(end - ip)) return 0;
  const packedEnd = ip + packed;
  // Without sequences the literals are the block.
  const direct = load<u8>(packedEnd) == 0;
  if (direct && size > <u32>(outputEnd - output)) return 0;
  let literals = direct ? output : LITERALS;
  if (type == 0) {
    if (direct) memory.copy(literals, ip, size);
    else literals = ip;
  } else if (type == 1) {
    memory.fill(literals, load<u8>(ip), size);
  } else {
    if (size == 0) return 0;
    if (type == 2) {
      const used = readTree(ip, packedEnd);
      if (used < 0) return 0;
      hasHuffman = true;
      ip += used;
    } else if (!hasHuffman) {
      return 0;
    }
    const good = single
      ? decodeStream(ip, packedEnd, literals, literals + size)
      : decodeStreams(ip, packedEnd, literals, size);
    if (!good) return 0;
  }
  ip = packedEnd + 1;
  if (direct) return ip == end ? output + size : 0;

  let count: u32 = load<u8>(packedEnd);
  if (count == 255) {
    count = <u32>load<u16>(ip) + 0x7f00;
    ip += 2;
  } else if (count >= 128) {
    count = ((count - 128) << 8) + load<u8>(ip++);
  }
  // A number of sequences in two bytes may still be none; no more follows then.
  if (count == 0) {
    if (ip != end || size > <u32>(outputEnd - output)) return 0;
    memory.copy(output, literals, size);
    return output + size;
  }
  if (ip >= end) return 0;
  const modes: u32 = load<u8>(ip++);
  if ((modes & 3) != 0) return 0;

  let mode = modes >> 6;
  if (mode == 0) {
    llTable = LL_DEFAULT;
    llLog = 6;
  } else if (mode < 3) {
    const used = readTable(mode, ip, end, MAX_LL, LL_LOG, LL_BASE, LL_EXTRA, LL_TABLE);
    if (used < 0) return 0;
    ip += used;
    llTable = LL_TABLE;
    llLog = accuracy;
  } else if (llTable == 0) return 0;
  mode = (modes >> 4) & 3;
  if (mode == 0) {
    ofTable = OF_DEFAULT;
    ofLog = 5;
  } else if (mode < 3) {
    const used = readTable(mode, ip, end, MAX_OF, OF_LOG, OF_BASE, OF_EXTRA, OF_TABLE);
    if (used < 0) return 0;
    ip += used;
    ofTable = OF_TABLE;
    ofLog = accuracy;
  } else if (ofTable == 0) return 0;
  mode = (modes >> 2) & 3;
  if (mode == 0) {
    mlTable = ML_DEFAULT;
    mlLog = 6;
  } else if (mode < 3) {
    const used = readTable(mode, ip, end, MAX_ML, ML_LOG, ML_BASE, ML_EXTRA, ML_TABLE);
    if (used < 0) return 0;
    ip += used;
    mlTable = ML_TABLE;
    mlLog = accuracy;
  } else if (mlTable == 0) return 0;
  return runSequences(count, ip, end, literals, literals + size, output, outputEnd, frame);
}

const PRIME1: u64 = 0x9e3779b185ebca87;
const PRIME2: u64 = 0xc2b2ae3d27d4eb4f;
const PRIME3: u64 = 0x165667b19e3779f9;
const PRIME4: u64 = 0x85ebca77c2b2ae63;
const PRIME5: u64 = 0x27d4eb2f165667c5;

// @ts-expect-error: decorator
@inline function mix(sum: u64, lane: u64): u64 {
  return rotl(sum + lane * PRIME2, 31) * PRIME1;
}

/** XXH64 with seed 0, of which a frame's checksum is the low half (section 3.1.1). */
function xxh64(input: usize, length: u32): u64 {
  let ip = input;
  const end = input + length;
  let hash: u64;
  if (length >= 32) {
    let a = PRIME1 + PRIME2;
    let b = PRIME2;
    let c: u64 = 0;
    let d: u64 = 0 - PRIME1;
    const last = end - 32;
    do {
      a = mix(a, load<u64>(ip));
      b = mix(b, load<u64>(ip, 8));
      c = mix(c, load<u64>(ip, 16));
      d = mix(d, load<u64>(ip, 24));
      ip += 32;
    } while (ip <= last);
    hash = rotl(a, 1) + rotl(b, 7) + rotl(c, 12) + rotl(d, 18);
    hash = (hash ^ mix(0, a)) * PRIME1 + PRIME4;
    hash = (hash ^ mix(0, b)) * PRIME1 + PRIME4;
    hash = (hash ^ mix(0, c)) * PRIME1 + PRIME4;
    hash = (hash ^ mix(0, d)) * PRIME1 + PRIME4;
  } else {
    hash = PRIME5;
  }
  hash += length;
  for (; ip + 8 <= end; ip += 8) hash = rotl(hash ^ mix(0, load<u64>(ip)), 27) * PRIME1 + PRIME4;
  if (ip + 4 <= end) {
    hash = rotl(hash ^ (<u64>load<u32>(ip) * PRIME1), 23) * PRIME2 + PRIME3;
    ip += 4;
  }
  for (; ip < end; ip++) hash = rotl(hash ^ (<u64>load<u8>(ip) * PRIME5), 11) * PRIME1;
  hash = (hash ^ (hash >> 33)) * PRIME2;
  hash = (hash ^ (hash >> 29)) * PRIME3;
  return hash ^ (hash >> 32);
}

/** Where the input of the frame that was decoded last ends. */
let inputAt: usize = 0;

/**
 * Section 3.1.1: one frame behind its magic number. Returns its decoded length, or an error. A frame that states to fill the
 * output exactly, and has no checksum, is left after the block in which `enough` is reached.
 */
function decodeFrame(input: usize, end: usize, output: usize, outputEnd: usize, enough: usize): i32 {
  let ip = input;
  if (ip >= end) return TRUNCATED;
  const descriptor: u32 = load<u8>(ip++);
  if ((descriptor & 8) != 0) return CORRUPT;
  const single = (descriptor & 32) != 0;
  const idBytes: u32 = (1 << (descriptor & 3)) >> 1;
  let sizeBytes: u32 = 1 << (descriptor >> 6);
  if (sizeBytes == 1 && !single) sizeBytes = 0;
  if (<u32>(end - ip) < (single ? 0 : 1) + idBytes + sizeBytes) return TRUNCATED;
  let window: u64 = 0;
  if (!single) {
    const byte: u32 = load<u8>(ip++);
    const log = (byte >> 3) + MIN_WINDOW_LOG;
    if (log > MAX_WINDOW_LOG) return CORRUPT;
    window = (<u64>1 << log) + ((<u64>1 << log) >> 3) * (byte & 7);
  }
  if (idBytes > 0) {
    const id = load<u32>(ip) & (idBytes == 4 ? 0xffffffff : (1 << (8 * idBytes)) - 1);
    if (id != 0) return DICTIONARY;
    ip += idBytes;
  }
  let size: u64 = 0;
  if (sizeBytes > 0) {
    if (sizeBytes == 1) size = load<u8>(ip);
    else if (sizeBytes == 2) size = <u64>load<u16>(ip) + 256;
    else if (sizeBytes == 4) size = load<u32>(ip);
    else size = load<u64>(ip);
    ip += sizeBytes;
    if (size > <u64>(outputEnd - output)) return TOO_LONG;
  }
  const isPartial = enough < outputEnd && sizeBytes > 0 && size == <u64>(outputEnd - output) && (descriptor & 4) == 0;
  if (single) window = size;
  const most = <u32>min<u64>(window, MAX_BLOCK);

  hasHuffman = false;
  llTable = 0;
  mlTable = 0;
  ofTable = 0;
  offset1 = 1;
  offset2 = 4;
  offset3 = 8;
  let op = output;
  let isLast: bool;
  do {
    if (end - ip < 3) return TRUNCATED;
    const header = load<u32>(ip) & 0xffffff;
    ip += 3;
    isLast = (header & 1) != 0;
    const type = (header >> 1) & 3;
    const length = header >> 3;
    if (type == 3 || length > most) return CORRUPT;
    const stored: u32 = type == 1 ? 1 : length;
    if (stored > <u32>(end - ip)) return TRUNCATED;
    if (type == 2) {
      const room = <u32>(outputEnd - op);
      op = decodeBlock(ip, ip + length, op, op + min(most, room), output, most);
      // Which of the two it was cannot be told from a block that does not fit.
      if (op == 0) return room < most && sizeBytes == 0 ? TOO_LONG : CORRUPT;
    } else {
      if (length > <u32>(outputEnd - op)) return TOO_LONG;
      if (type == 0) memory.copy(op, ip, length);
      else memory.fill(op, load<u8>(ip), length);
      op += length;
    }
    ip += stored;
    if (isPartial && op >= enough) {
      inputAt = end;
      return <i32>size;
    }
  } while (!isLast);
  const decoded = <u32>(op - output);
  if (sizeBytes > 0 && <u64>decoded != size) return WRONG_SIZE;
  if ((descriptor & 4) != 0) {
    if (end - ip < 4) return TRUNCATED;
    if (load<u32>(ip) != <u32>xxh64(output, decoded)) return CHECKSUM;
    ip += 4;
  }
  inputAt = ip;
  return decoded;
}

/**
 * Decodes all frames of `input` (section 3.1), one behind the other, skippable ones skipped. Returns the length of the
 * output, at most `room`, or what is wrong. Of a single frame of `room` bytes, what comes behind the first `stop` of them
 * may be left out.
 */
export function decode(input: usize, length: u32, output: usize, room: u32, stop: u32): i32 {
  if (!ready) prepare();
  const end = input + length;
  const outputEnd = output + room;
  let ip = input;
  let op = output;
  let frames: u32 = 0;
  while (ip < end) {
    if (end - ip < 4) return frames == 0 ? NO_FRAME : TRUNCATED;
    const magic = load<u32>(ip);
    ip += 4;
    if (magic == MAGIC) {
      const decoded = decodeFrame(ip, end, op, outputEnd, output + stop);
      if (decoded < 0) return decoded;
      op += decoded;
      ip = inputAt;
    } else if ((magic & 0xfffffff0) == SKIPPABLE) {
      if (end - ip < 4) return TRUNCATED;
      const skipped = load<u32>(ip);
      ip += 4;
      if (skipped > <u32>(end - ip)) return TRUNCATED;
      ip += skipped;
    } else {
      return frames == 0 ? NO_FRAME : CORRUPT;
    }
    frames++;
  }
  return frames == 0 ? NO_FRAME : <i32>(op - output);
}

/**
 * Copies a box of `n2 x n1` rows of `bytes` bytes from `input` to `output`. In the one, lines and planes lie `s1` and `s2`
 * bytes apart, in the other `o1` and `o2`.
 */
export function gather(
  input: usize, bytes: u32, n1: u32, n2: u32, s1: u32, s2: u32, output: usize, o1: u32, o2: u32,
): void {
  for (let z: u32 = 0; z < n2; z++) {
    let from = input + z * s2;
    let to = output + z * o2;
    for (let y: u32 = 0; y < n1; y++) {
      if (bytes == 2) store<u16>(to, load<u16>(from));
      else if (bytes == 4) store<u32>(to, load<u32>(from));
      else if ((bytes & 15) == 0 && bytes <= 512) wildCopy(to, from, to + bytes);
      else memory.copy(to, from, bytes);
      from += s1;
      to += o1;
    }
  }
}

/** Where the host's memory begins. */
export function heapBase(): usize {
  return __heap_base;
}
