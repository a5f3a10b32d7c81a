// Resumable inflate (RFC 1951) and CRC-32 (RFC 1952, section 8), in AssemblyScript.
//
// The host fills the input buffer, calls `run`, reads what is between two positions of the output buffer, and
// calls again. Nothing here allocates. `run` stops where input or room runs out, where the stream ends, and at
// the first block that starts at or after a position that the host names: a place where decoding can begin again.
//
// Symbols whose bits are not all there are not consumed, so the host alone decides what a missing byte means.

import { bits, forgetBits, goOn, hold, inAt, inEnd, returnBytes, take, want } from "./inflate/bits";
import { IN, IN_SIZE, OUT, OUT_END, OUT_SIZE, OUT_SLOP } from "./inflate/buffers";
import { fixedCodes, prepareEntries } from "./inflate/codes";
import { prepareCrc } from "./inflate/crc32";
import { dynamicCodes } from "./inflate/dynamic-codes";
import { outAt, resetOutput, setOutput } from "./inflate/output";
import { BLOCK, CORRUPT, END, NEED_INPUT, OUTPUT_FULL } from "./inflate/status";
import { carefulCodes, fastCodes } from "./inflate/symbols";

export { setInput, skipBits } from "./inflate/bits";
export { crc32 } from "./inflate/crc32";
export { slide } from "./inflate/output";

const AT_BLOCK: u32 = 0;
const IN_CODES: u32 = 1;
const IN_STORED: u32 = 2;
const AT_END: u32 = 3;

let phase: u32 = AT_BLOCK;
let final: u32 = 0;
let storedLeft: u32 = 0;

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

/** Fills what is constant. */
export function init(): void {
  prepareEntries();
  prepareCrc();
}

/** Begins a stream. `window` bytes of history are already in place before the output's start. */
export function reset(window: u32): void {
  phase = AT_BLOCK;
  final = 0;
  storedLeft = 0;
  forgetBits();
  resetOutput(window);
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
        // For the copy that follows.
        returnBytes();
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
    goOn(inBefore, holdBefore, bitsBefore);
  }
  return result;
}

function storedBlock(): i32 {
  while (storedLeft) {
    if (inAt >= inEnd) return NEED_INPUT;
    if (outAt >= OUT_END) return OUTPUT_FULL;
    const n = min(storedLeft, min(<u32>(inEnd - inAt), <u32>(OUT_END - outAt)));
    memory.copy(outAt, inAt, n);
    goOn(inAt + n, 0, 0);
    setOutput(outAt + n);
    storedLeft -= n;
  }
  return END;
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
  // The host may move the input.
  returnBytes();
  return result;
}
