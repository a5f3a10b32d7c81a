// The symbols of a block: literals and matches (RFC 1951, section 3.2.3).
//
// TypeScript knows decorators of classes only: hence `@ts-expect-error` before AssemblyScript's `@inline`.

import { bits, goOn, hold, inAt, inEnd, mask, take, want } from "./bits";
import { IN, OUT_END } from "./buffers";
import { DIST_BITS, DIST_TABLE, END_OF_BLOCK, INVALID, LIT_BITS, LIT_TABLE, LITERAL, SUBTABLE } from "./codes";
import { history, outAt, setOutput } from "./output";
import { CORRUPT, END, NEED_INPUT, OUTPUT_FULL } from "./status";

function copy16(to: usize, from: usize): void {
  if (ASC_FEATURE_SIMD) v128.store(to, v128.load(from));
  else {
    const a = load<u64>(from);
    const b = load<u64>(from, 8);
    store<u64>(to, a);
    store<u64>(to, b, 8);
  }
}

/** Copies a match; writes up to 15 bytes too many. Overlaps repeat, as RFC 1951 has it. */
// @ts-expect-error: decorator
@inline function copyMatch(to: usize, distance: u32, stop: usize): void {
  let from = to - distance;
  if (distance >= 16) {
    do {
      copy16(to, from);
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

/** What was written ends at `to`. */
function ended(to: usize, result: i32): i32 {
  setOutput(to);
  return result;
}

/** Symbols one at a time, near the end of the input: nothing is consumed before all its bits are there. */
export function carefulCodes(): i32 {
  let to = outAt;
  while (to < OUT_END) {
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
      if (used > bits) return ended(to, NEED_INPUT);
      take(used);
      store<u8>(to++, <u8>(entry >> 16));
      continue;
    }
    if (entry & INVALID) return ended(to, bits < 48 ? NEED_INPUT : CORRUPT);
    if (entry & END_OF_BLOCK) {
      used += entry & 255;
      if (used > bits) return ended(to, NEED_INPUT);
      take(used);
      return ended(to, END);
    }
    const lengthBits = (entry >> 8) & 15;
    const extra = (entry & 255) - lengthBits;
    used += lengthBits;
    const length = (entry >> 16) + <u32>((hold >> used) & mask(extra));
    used += extra;
    if (used > bits) return ended(to, NEED_INPUT);
    entry = load<u32>(DIST_TABLE + (<usize>((hold >> used) & mask(DIST_BITS)) << 2));
    if (entry & SUBTABLE) {
      used += DIST_BITS;
      entry = load<u32>(DIST_TABLE + (<usize>((entry >> 16) + <u32>((hold >> used) & mask((entry >> 8) & 15))) << 2));
    }
    if (entry & INVALID) return ended(to, bits < 48 ? NEED_INPUT : CORRUPT);
    const distBits = (entry >> 8) & 15;
    const distExtra = (entry & 255) - distBits;
    used += distBits;
    const distance = (entry >> 16) + <u32>((hold >> used) & mask(distExtra));
    used += distExtra;
    if (used > bits) return ended(to, NEED_INPUT);
    if (to - distance < history) return ended(to, CORRUPT);
    take(used);
    copyMatch(to, distance, to + length);
    to += length;
  }
  return ended(to, OUTPUT_FULL);
}

/**
 * Symbols while at least 24 bytes of input lie ahead: enough that no step here looks at a byte that is not there.
 * A refill leaves 56 bits or more: three literals of the root and then, refilled, a whole match (at most 48 bits).
 * Of `b` the low byte alone counts, so that an entry is subtracted as it is; shifts take their counts modulo 64.
 */
export function fastCodes(): i32 {
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
  goOn(from, h & mask(b), b);
  return ended(to, result);
}
