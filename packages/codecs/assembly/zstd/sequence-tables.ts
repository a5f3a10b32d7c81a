// The three tables that sequences are decoded with (RFC 8878, section 3.1.1.3.2.1).

import { accuracy, buildTable, COUNTS, readCounts, singleTable } from "./fse";
import { CORRUPT } from "./status";

const LL_LOG: u32 = 9;
const ML_LOG: u32 = 9;
const OF_LOG: u32 = 8;
const MAX_LL: u32 = 35;
const MAX_ML: u32 = 52;
const MAX_OF: u32 = 31;
const LL_TABLE: usize = memory.data(8 << 9, 16);
const ML_TABLE: usize = memory.data(8 << 9, 16);
const OF_TABLE: usize = memory.data(8 << 8, 16);
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

// What a frame's blocks hand on: tables (address 0: none yet).
export let llTable: usize = 0;
export let mlTable: usize = 0;
export let ofTable: usize = 0;
export let llLog: u32 = 0;
export let mlLog: u32 = 0;
export let ofLog: u32 = 0;

/** Fills what is constant. */
export function prepareTables(): void {
  for (let code: u32 = 0; code <= MAX_OF; code++) {
    store<u32>(OF_BASE + 4 * code, 1 << code);
    store<u8>(OF_EXTRA + code, code);
  }
  buildTable(LL_COUNTS, MAX_LL, 6, LL_BASE, LL_EXTRA, LL_DEFAULT);
  buildTable(ML_COUNTS, MAX_ML, 6, ML_BASE, ML_EXTRA, ML_DEFAULT);
  buildTable(OF_COUNTS, 28, 5, OF_BASE, OF_EXTRA, OF_DEFAULT);
}

/** A frame begins without tables. */
export function forgetTables(): void {
  llTable = 0;
  mlTable = 0;
  ofTable = 0;
}

/** Section 3.1.1.3.2.1: one of the three tables, by its mode. Returns the bytes read, or CORRUPT. */
function readTable(
  mode: u32, input: usize, end: usize, most: u32, maxLog: u32, bases: usize, extras: usize, table: usize,
): i32 {
  if (mode == 1) {
    if (input >= end) return CORRUPT;
    const symbol: u32 = load<u8>(input);
    if (symbol > most) return CORRUPT;
    singleTable(symbol, bases, extras, table);
    return 1;
  }
  const used = readCounts(input, end, most, maxLog);
  if (used < 0) return CORRUPT;
  buildTable(COUNTS, most, accuracy, bases, extras, table);
  return used;
}

/** The tables of one block, behind the byte of their modes. Returns where they end, or 0. */
export function readTables(modes: u32, input: usize, end: usize): usize {
  let ip = input;
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
  return ip;
}
