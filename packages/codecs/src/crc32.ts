import { nativeCrc32 } from "#crc32";

const POLYNOMIAL = 0xedb88320;

/** Four tables, so that four bytes are taken a step. */
const TABLES: Int32Array = tables();

function tables(): Int32Array {
  const all = new Int32Array(4 * 256);
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (POLYNOMIAL & -(crc & 1));
    all[byte] = crc;
  }
  for (let at = 256; at < 1024; at++) {
    const crc = all[at - 256]!;
    all[at] = (crc >>> 8) ^ all[crc & 255]!;
  }
  return all;
}

/** CRC-32 (RFC 1952, section 8) of `bytes`, going on from `crc`: the platform's, or the one below. */
export function crc32(bytes: Uint8Array, crc = 0): number {
  return nativeCrc32?.(bytes, crc) ?? plainCrc32(bytes, crc);
}

/** CRC-32 in plain JavaScript. */
export function plainCrc32(bytes: Uint8Array, crc = 0): number {
  let at = 0;
  let value = ~crc;
  for (; at + 4 <= bytes.length; at += 4) {
    value ^= bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
    value =
      TABLES[768 + (value & 255)]! ^
      TABLES[512 + ((value >>> 8) & 255)]! ^
      TABLES[256 + ((value >>> 16) & 255)]! ^
      TABLES[value >>> 24]!;
  }
  for (; at < bytes.length; at++) value = (value >>> 8) ^ TABLES[(value ^ bytes[at]!) & 255]!;
  return ~value >>> 0;
}

/** The CRC-32 of two pieces together, from theirs and the second one's `length`: `first` times x^(8 length), plus `second`. */
export function combineCrc32(first: number, second: number, length: number): number {
  let power = 0x80000000;
  for (let n = length, k = 3; n > 0; n = Math.floor(n / 2), k++) {
    if (n % 2 === 1) power = multiply(POWERS[k % 32]!, power);
  }
  return (multiply(power, first) ^ second) >>> 0;
}

/** Product of two polynomials modulo CRC-32's, bits reflected. */
function multiply(a: number, b: number): number {
  let product = 0;
  let factor = b;
  for (let bit = 31; bit >= 0; bit--) {
    if (((a >>> bit) & 1) === 1) product ^= factor;
    factor = (factor & 1) === 1 ? (factor >>> 1) ^ POLYNOMIAL : factor >>> 1;
  }
  return product >>> 0;
}

/** x^(2^k), which repeats after 32. */
const POWERS: readonly number[] = (() => {
  const powers = [0x40000000];
  for (let k = 1; k < 32; k++) powers.push(multiply(powers[k - 1]!, powers[k - 1]!));
  return powers;
})();
