import { plainCrc32 } from "./crc32.js";
import type { InflateKernel } from "./inflate-kernel.js";
import { BLOCK, CORRUPT, END, NEED_INPUT, OUTPUT_FULL, OUTPUT_SLOP, WINDOW_SIZE } from "./inflate-kernel.js";
import {
  buildTable,
  CODE_BITS,
  CODE_ENTRIES,
  CODE_ORDER,
  DISTANCE_BITS,
  DISTANCE_ENTRIES,
  END_OF_BLOCK,
  FIXED_LENGTHS,
  INVALID,
  LITERAL,
  LITERAL_BITS,
  LITERAL_ENTRIES,
  SUBTABLE,
} from "./inflate-tables.js";

const INPUT_SIZE = 1 << 18;
const OUTPUT_SIZE = 1 << 18;
const OUTPUT_END: number = WINDOW_SIZE + OUTPUT_SIZE;

const AT_BLOCK = 0;
const IN_CODES = 1;
const IN_STORED = 2;
const AT_END = 3;

/** The plain decoder, for pages whose Content-Security-Policy forbids WebAssembly. */
class JsKernel implements InflateKernel {
  readonly kind = "js";
  readonly input: Uint8Array = new Uint8Array(INPUT_SIZE);
  readonly output: Uint8Array = new Uint8Array(OUTPUT_END + OUTPUT_SLOP);
  // Subtables here are all of one size: at most 143 of 16 entries, or 15 of 128.
  readonly #literals = new Int32Array((1 << LITERAL_BITS) + 2304);
  readonly #distances = new Int32Array((1 << DISTANCE_BITS) + 2048);
  readonly #codes = new Int32Array(1 << CODE_BITS);
  readonly #lengths = new Uint8Array(320 + 138);
  readonly #codeLengths = new Uint8Array(19);
  #phase = AT_BLOCK;
  #final = 0;
  #stored = 0;
  #hold = 0;
  #bits = 0;
  #from = 0;
  #end = 0;
  #to = WINDOW_SIZE;
  #history = WINDOW_SIZE;

  reset(window: number): void {
    this.#phase = AT_BLOCK;
    this.#final = 0;
    this.#stored = 0;
    this.#hold = 0;
    this.#bits = 0;
    this.#to = WINDOW_SIZE;
    this.#history = WINDOW_SIZE - window;
  }

  setInput(at: number, end: number): void {
    this.#from = at;
    this.#end = end;
  }

  skipBits(count: number): void {
    this.#hold = this.input[this.#from++]! >> count;
    this.#bits = 8 - count;
  }

  inputAt(): number {
    return this.#from;
  }

  pendingBits(): number {
    return this.#bits;
  }

  outputAt(): number {
    return this.#to;
  }

  slide(): void {
    const produced = this.#to - WINDOW_SIZE;
    this.output.copyWithin(0, produced, this.#to);
    this.#history = Math.max(0, this.#history - produced);
    this.#to = WINDOW_SIZE;
  }

  crc32(from: number, to: number, crc: number): number {
    return plainCrc32(this.output.subarray(from, to), crc);
  }

  run(stopAt: number): number {
    let result = END;
    for (;;) {
      if (this.#phase === AT_END) break;
      if (this.#phase === AT_BLOCK) {
        if (this.#to >= stopAt) {
          result = BLOCK;
          break;
        }
        result = this.#header();
      } else {
        result = this.#phase === IN_STORED ? this.#copyStored() : this.#decode();
        if (result === END) this.#phase = this.#final === 1 ? AT_END : AT_BLOCK;
      }
      if (result !== END) break;
    }
    // Whole bytes that were read ahead go back to the input, which the caller may move.
    this.#from -= this.#bits >> 3;
    this.#bits &= 7;
    this.#hold &= (1 << this.#bits) - 1;
    return result;
  }

  /** Fills `hold` until it has `count` bits (at most 24); false where the input ends before. */
  #want(count: number): boolean {
    while (this.#bits < count) {
      if (this.#from >= this.#end) return false;
      this.#hold |= this.input[this.#from++]! << this.#bits;
      this.#bits += 8;
    }
    return true;
  }

  #take(count: number): number {
    const value = this.#hold & ((1 << count) - 1);
    this.#hold >>>= count;
    this.#bits -= count;
    return value;
  }

  /** A block's header (RFC 1951, section 3.2.3). On `NEED_INPUT` nothing is consumed. */
  #header(): number {
    const from = this.#from;
    const hold = this.#hold;
    const bits = this.#bits;
    let result = NEED_INPUT;
    if (this.#want(3)) {
      const last = this.#take(1);
      const type = this.#take(2);
      if (type === 0) result = this.#beginStored();
      else if (type === 1) {
        buildTable(this.#literals, LITERAL_BITS, FIXED_LENGTHS, 0, 288, LITERAL_ENTRIES, true);
        buildTable(this.#distances, DISTANCE_BITS, FIXED_LENGTHS, 288, 320, DISTANCE_ENTRIES, true);
        this.#phase = IN_CODES;
        result = END;
      } else if (type === 2) {
        result = this.#dynamicCodes();
        if (result === END) this.#phase = IN_CODES;
      } else result = CORRUPT;
      if (result === END) this.#final = last;
    }
    if (result === NEED_INPUT) {
      this.#from = from;
      this.#hold = hold;
      this.#bits = bits;
    }
    return result;
  }

  #beginStored(): number {
    this.#take(this.#bits & 7);
    if (!this.#want(16)) return NEED_INPUT;
    const length = this.#take(16);
    if (!this.#want(16)) return NEED_INPUT;
    if ((length ^ 0xffff) !== this.#take(16)) return CORRUPT;
    this.#stored = length;
    this.#from -= this.#bits >> 3;
    this.#hold = 0;
    this.#bits = 0;
    this.#phase = IN_STORED;
    return END;
  }

  #copyStored(): number {
    while (this.#stored > 0) {
      if (this.#from >= this.#end) return NEED_INPUT;
      if (this.#to >= OUTPUT_END) return OUTPUT_FULL;
      const count = Math.min(this.#stored, this.#end - this.#from, OUTPUT_END - this.#to);
      this.output.set(this.input.subarray(this.#from, this.#from + count), this.#to);
      this.#from += count;
      this.#to += count;
      this.#stored -= count;
    }
    return END;
  }

  #dynamicCodes(): number {
    if (!this.#want(14)) return NEED_INPUT;
    const literals = this.#take(5) + 257;
    const distances = this.#take(5) + 1;
    const codes = this.#take(4) + 4;
    if (literals > 286 || distances > 30) return CORRUPT;
    const codeLengths = this.#codeLengths.fill(0);
    for (let i = 0; i < codes; i++) {
      if (!this.#want(3)) return NEED_INPUT;
      codeLengths[CODE_ORDER[i]!] = this.#take(3);
    }
    if (!buildTable(this.#codes, CODE_BITS, codeLengths, 0, 19, CODE_ENTRIES, false)) return CORRUPT;
    const lengths = this.#lengths;
    const total = literals + distances;
    for (let i = 0; i < total; ) {
      this.#want(14);
      const entry = this.#codes[this.#hold & 127]!;
      const length = entry & 255;
      if (length > this.#bits) return NEED_INPUT;
      const symbol = entry >> 16;
      if (symbol < 16) {
        this.#take(length);
        lengths[i++] = symbol;
        continue;
      }
      const extra = symbol === 16 ? 2 : symbol === 17 ? 3 : 7;
      if (length + extra > this.#bits) return NEED_INPUT;
      this.#take(length);
      const times = this.#take(extra) + (symbol === 18 ? 11 : 3);
      if ((symbol === 16 && i === 0) || i + times > total) return CORRUPT;
      lengths.fill(symbol === 16 ? lengths[i - 1]! : 0, i, i + times);
      i += times;
    }
    if (lengths[256] === 0) return CORRUPT;
    if (!buildTable(this.#distances, DISTANCE_BITS, lengths, literals, total, DISTANCE_ENTRIES, true))
      return CORRUPT;
    if (!buildTable(this.#literals, LITERAL_BITS, lengths, 0, literals, LITERAL_ENTRIES, true))
      return CORRUPT;
    return END;
  }

  #decode(): number {
    const { input, output } = this;
    const literals = this.#literals;
    const distances = this.#distances;
    const end = this.#end;
    const history = this.#history;
    let hold = this.#hold;
    let bits = this.#bits;
    let from = this.#from;
    let to = this.#to;
    let result = OUTPUT_FULL;
    while (to < OUTPUT_END) {
      // 25 bits or more where the input has them: a length's code and extra bits are at most 20.
      while (bits < 25 && from < end) {
        hold |= input[from++]! << bits;
        bits += 8;
      }
      let entry = literals[hold & ((1 << LITERAL_BITS) - 1)]!;
      let used = 0;
      if ((entry & SUBTABLE) !== 0) {
        used = LITERAL_BITS;
        entry = literals[(entry >> 16) + ((hold >>> LITERAL_BITS) & ((1 << ((entry >> 8) & 15)) - 1))]!;
      }
      used += entry & 255;
      if ((entry & LITERAL) !== 0) {
        if (used > bits) {
          result = NEED_INPUT;
          break;
        }
        hold >>>= used;
        bits -= used;
        output[to++] = entry >> 16;
        continue;
      }
      if ((entry & INVALID) !== 0) {
        result = bits < 25 ? NEED_INPUT : CORRUPT;
        break;
      }
      if (used > bits) {
        result = NEED_INPUT;
        break;
      }
      if ((entry & END_OF_BLOCK) !== 0) {
        hold >>>= used;
        bits -= used;
        result = END;
        break;
      }
      // From here a missing bit undoes the whole match.
      const holdBefore = hold;
      const bitsBefore = bits;
      const fromBefore = from;
      const extra = (entry & 255) - ((entry >> 8) & 15);
      const length = (entry >> 16) + ((hold >>> (used - extra)) & ((1 << extra) - 1));
      hold >>>= used;
      bits -= used;
      while (bits < 25 && from < end) {
        hold |= input[from++]! << bits;
        bits += 8;
      }
      entry = distances[hold & ((1 << DISTANCE_BITS) - 1)]!;
      used = 0;
      if ((entry & SUBTABLE) !== 0) {
        used = DISTANCE_BITS;
        entry = distances[(entry >> 16) + ((hold >>> DISTANCE_BITS) & ((1 << ((entry >> 8) & 15)) - 1))]!;
      }
      if ((entry & INVALID) !== 0) {
        result = bits < 25 ? NEED_INPUT : CORRUPT;
        hold = holdBefore;
        bits = bitsBefore;
        from = fromBefore;
        break;
      }
      const distanceExtra = (entry & 255) - ((entry >> 8) & 15);
      used += (entry & 255) - distanceExtra;
      if (used <= bits) {
        hold >>>= used;
        bits -= used;
        while (bits < 13 && from < end) {
          hold |= input[from++]! << bits;
          bits += 8;
        }
        used = distanceExtra;
      }
      if (used > bits) {
        result = NEED_INPUT;
        hold = holdBefore;
        bits = bitsBefore;
        from = fromBefore;
        break;
      }
      const distance = (entry >> 16) + (hold & ((1 << distanceExtra) - 1));
      hold >>>= distanceExtra;
      bits -= distanceExtra;
      let source = to - distance;
      if (source < history) {
        result = CORRUPT;
        break;
      }
      const stop = to + length;
      while (to < stop) output[to++] = output[source++]!;
    }
    this.#hold = hold;
    this.#bits = bits;
    this.#from = from;
    this.#to = to;
    return result;
  }
}

/** A new kernel in plain JavaScript. */
export function createJsKernel(): InflateKernel {
  return new JsKernel();
}
