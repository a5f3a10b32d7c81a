// blosclz, the codec that is c-blosc's own: a kind of FastLZ. A stream is a row of tokens; the three highest bits of the first
// one name a level and mean nothing to a decoder.
//
//   000 nnnnn                 n + 1 literals follow
//   lll hhhhh [m...] d        a match of l + 2 bytes, 256 h + d + 1 bytes back. Where l is 7, bytes m are
//                             added to the length, up to the first that is not 255
//   lll 11111 [m...] 255 a b  the same, 8192 + 256 a + b bytes back

import { copyLiterals, copyMatch, CORRUPT } from "./match";

const NEAR: u32 = 8192;

/**
 * Decodes a blosclz stream until `stop` bytes are there or the input ends.
 * Returns the number of bytes written (at most `room`), or CORRUPT.
 */
export function blosclzDecode(input: usize, length: u32, output: usize, room: u32, stop: u32): i32 {
  if (length == 0) return CORRUPT;
  let ip = input;
  let op = output;
  const inputEnd = input + length;
  const outputEnd = output + room;
  const enough = output + stop;
  let token: u32 = load<u8>(ip++) & 31;
  for (;;) {
    if (token < 32) {
      const literals = token + 1;
      if (literals > <u32>(inputEnd - ip) || literals > <u32>(outputEnd - op)) return CORRUPT;
      copyLiterals(op, ip, literals);
      ip += literals;
      op += literals;
    } else {
      let match = (token >> 5) + 2;
      if (match == 9) {
        let more: u32;
        do {
          if (ip >= inputEnd) return CORRUPT;
          more = load<u8>(ip++);
          match += more;
        } while (more == 255);
      }
      if (ip >= inputEnd) return CORRUPT;
      let offset = ((token & 31) << 8) + load<u8>(ip++) + 1;
      if (offset == NEAR) {
        if (inputEnd - ip < 2) return CORRUPT;
        offset += (<u32>load<u8>(ip) << 8) + load<u8>(ip, 1);
        ip += 2;
      }
      if (offset > <u32>(op - output) || match > <u32>(outputEnd - op)) return CORRUPT;
      const end = op + match;
      copyMatch(op, offset, end);
      op = end;
    }
    if (op >= enough || ip >= inputEnd) break;
    token = load<u8>(ip++);
  }
  return <i32>(op - output);
}
