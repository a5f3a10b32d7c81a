// A dynamic block's codes (RFC 1951, section 3.2.7).

import { bits, hold, take, want } from "./bits";
import { build, CODE_BITS, CODE_ENTRIES, CODE_LENGTHS, CODE_TABLE, LENGTHS, pairLiterals } from "./codes";
import { DIST_BITS, DIST_ENTRIES, DIST_TABLE, LIT_BITS, LIT_ENTRIES, LIT_TABLE } from "./codes";
import { CORRUPT, END, NEED_INPUT } from "./status";

const CODE_ORDER: usize = memory.data<u8>([16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15]);

/** Reads them a byte at a time: a header comes once in thousands of symbols. */
export function dynamicCodes(): i32 {
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
