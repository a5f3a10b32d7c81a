// Compressed blocks (RFC 8878, section 3.1.1.3): literals, then sequences.

import { decodeStream, decodeStreams } from "./huffman-stream";
import { readTree } from "./huffman-tree";
import { readTables } from "./sequence-tables";
import { runSequences } from "./sequences";

const LITERALS: usize = memory.data(131072 + 64, 16);

/** Whether a block of the frame has brought a Huffman tree. */
let hasHuffman: bool = false;

/** A frame begins without one. */
export function forgetTree(): void {
  hasHuffman = false;
}

/** Section 3.1.1.3: one compressed block. Returns the output's end, or 0 where the block is corrupt. */
export function decodeBlock(input: usize, end: usize, output: usize, outputEnd: usize, frame: usize, most: u32): usize {
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

  ip = readTables(modes, ip, end);
  if (ip == 0) return 0;
  return runSequences(count, ip, end, literals, literals + size, output, outputEnd, frame);
}
