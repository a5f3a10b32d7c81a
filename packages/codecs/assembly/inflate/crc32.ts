// CRC-32 (RFC 1952, section 8).

import { OUT } from "./buffers";

const CRC_TABLES: usize = memory.data(16 * 1024, 16);

/** Fills the tables. */
export function prepareCrc(): void {
  for (let i: u32 = 0; i < 256; i++) {
    let crc = i;
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (0xedb88320 & (0 - (crc & 1)));
    store<u32>(CRC_TABLES + (i << 2), crc);
  }
  for (let i: u32 = 0; i < 256; i++) {
    let crc = load<u32>(CRC_TABLES + (i << 2));
    for (let table: u32 = 1; table < 16; table++) {
      crc = (crc >> 8) ^ load<u32>(CRC_TABLES + ((crc & 255) << 2));
      store<u32>(CRC_TABLES + (table << 10) + (i << 2), crc);
    }
  }
}

function lookup(table: u32, byte: u32): u32 {
  return load<u32>(CRC_TABLES + ((table << 10) + ((byte & 255) << 2)));
}

/** CRC-32 of output bytes `[from, to)`, going on from `crc`. Sixteen tables take sixteen bytes a step. */
export function crc32(from: u32, to: u32, crc: u32): u32 {
  let at: usize = OUT + from;
  const end: usize = OUT + to;
  crc = ~crc;
  while (at + 16 <= end) {
    const a = load<u64>(at) ^ <u64>crc;
    const b = load<u64>(at, 8);
    const a0 = <u32>a;
    const a1 = <u32>(a >> 32);
    const b0 = <u32>b;
    const b1 = <u32>(b >> 32);
    crc =
      lookup(15, a0) ^ lookup(14, a0 >> 8) ^ lookup(13, a0 >> 16) ^ lookup(12, a0 >> 24) ^
      lookup(11, a1) ^ lookup(10, a1 >> 8) ^ lookup(9, a1 >> 16) ^ lookup(8, a1 >> 24) ^
      lookup(7, b0) ^ lookup(6, b0 >> 8) ^ lookup(5, b0 >> 16) ^ lookup(4, b0 >> 24) ^
      lookup(3, b1) ^ lookup(2, b1 >> 8) ^ lookup(1, b1 >> 16) ^ lookup(0, b1 >> 24);
    at += 16;
  }
  while (at < end) {
    crc = (crc >> 8) ^ lookup(0, crc ^ load<u8>(at));
    at++;
  }
  return ~crc;
}
