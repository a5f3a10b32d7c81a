// Huffman streams (RFC 8878, section 4.2.2).

import { bitsAt, bitsOf } from "./bits";
import { HUFFMAN, HUFFMAN_LOG } from "./huffman-tree";

/** Symbols of one stream decoded from one 64-bit word: 5 x 11 bits behind at most 7 that were used before. */
const AT_ONCE: u32 = 5;

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

function loadWord(at: usize, used: u64): u64 {
  return (load<u64>(at) | 1) << used;
}

function look(word: u64): u32 {
  return load<u16>(HUFFMAN + ((<usize>(word >> 53)) << 1));
}

/** One Huffman stream (section 4.2.2). */
export function decodeStream(start: usize, end: usize, output: usize, outputEnd: usize): bool {
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
export function decodeStreams(input: usize, end: usize, output: usize, size: u32): bool {
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
