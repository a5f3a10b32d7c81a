// Frames (RFC 8878, section 3.1.1).

import { decodeBlock, forgetTree } from "./block";
import { forgetTables } from "./sequence-tables";
import { resetOffsets } from "./sequences";
import { CHECKSUM, CORRUPT, DICTIONARY, TOO_LONG, TRUNCATED, WRONG_SIZE } from "./status";
import { xxh64 } from "./xxh64";

const MAX_BLOCK: u32 = 131072;
/** Exponents of windows: the format's least, and the most that decoders in use take. */
const MIN_WINDOW_LOG: u32 = 10;
const MAX_WINDOW_LOG: u32 = 31;

/** Where the input of the frame that was decoded last ends. */
export let inputAt: usize = 0;

/**
 * Section 3.1.1: one frame behind its magic number. Returns its decoded length, or an error. A frame that states to fill the
 * output exactly, and has no checksum, is left after the block in which `enough` is reached.
 */
export function decodeFrame(input: usize, end: usize, output: usize, outputEnd: usize, enough: usize): i32 {
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

  forgetTree();
  forgetTables();
  resetOffsets();
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
