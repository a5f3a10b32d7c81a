import { LazyImageError } from "@lazyimg/core";

/** What the header of a gzip member (RFC 1952, section 2.3) or of a zlib stream (RFC 1950, section 2.2) says. */
export interface MemberHeader {
  /** Bytes before the deflate data. */
  readonly length: number;
  /** BGZF only (SAM specification, section 4.1): bytes of the whole member. */
  readonly blockSize: number | null;
  /** Whether this is a zlib stream: behind its deflate data are 4 bytes of Adler-32. */
  readonly zlib: boolean;
}

const DEFLATE = 8;
const FHCRC = 2;
const FEXTRA = 4;
const FNAME = 8;
const FCOMMENT = 16;
const RESERVED = 0xe0;
const FDICT = 32;

/** Whether `bytes` begin with ID1 and ID2, as a gzip member does (RFC 1952, section 2.3.1). */
export function isGzip(bytes: Uint8Array): boolean {
  return bytes.length >= 2 && bytes[0] === 0x1f && bytes[1] === 0x8b;
}

/** Whether `bytes` begin with CMF and FLG of a zlib stream without a preset dictionary (RFC 1950, section 2.2). */
function isZlib([cmf, flags]: Uint8Array): boolean {
  if (cmf === undefined || flags === undefined) return false;
  return (cmf & 15) === DEFLATE && cmf < 128 && (flags & FDICT) === 0 && (cmf * 256 + flags) % 31 === 0;
}

/**
 * Reads the header that `bytes` begin with.
 *
 * @returns `null` where it goes on behind the end of `bytes`
 * @throws LazyImageError ERR_CORRUPT where this is no header; ERR_CHECKSUM where its CRC16 is wrong
 */
export function readHeader(bytes: Uint8Array): MemberHeader | null {
  if (isZlib(bytes)) return { length: 2, blockSize: null, zlib: true };
  if (bytes.length < 10) return null;
  if (!isGzip(bytes)) throw corrupt("they begin with no gzip header");
  if (bytes[2] !== DEFLATE) throw corrupt(`the compression method is ${bytes[2]}, not deflate (8)`);
  const flags = bytes[3]!;
  if ((flags & RESERVED) !== 0) throw corrupt(`the header sets reserved flags (${flags})`);
  let at = 10;
  let blockSize: number | null = null;
  if ((flags & FEXTRA) !== 0) {
    if (bytes.length < at + 2) return null;
    const end = at + 2 + (bytes[at]! | (bytes[at + 1]! << 8));
    if (bytes.length < end) return null;
    blockSize = bgzfBlockSize(bytes.subarray(at + 2, end));
    at = end;
  }
  for (const flag of [FNAME, FCOMMENT]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end < 0) return null;
    at = end + 1;
  }
  if ((flags & FHCRC) !== 0) {
    if (bytes.length < at + 2) return null;
    const stated = bytes[at]! | (bytes[at + 1]! << 8);
    if ((headerCrc(bytes.subarray(0, at)) & 0xffff) !== stated) {
      throw new LazyImageError(
        "ERR_CHECKSUM",
        "A gzip header does not have the CRC16 it states. Get the file again.",
      );
    }
    at += 2;
  }
  // Only a member that can hold a header and a trailer counts as a block.
  return { length: at, blockSize: blockSize !== null && blockSize >= at + 8 ? blockSize : null, zlib: false };
}

/** The `BC` subfield (RFC 1952, section 2.3.1.1): size of the member minus one. */
function bgzfBlockSize(extra: Uint8Array): number | null {
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = extra[at + 2]! | (extra[at + 3]! << 8);
    if (extra[at] === 66 && extra[at + 1] === 67 && length === 2 && at + 6 <= extra.length) {
      return (extra[at + 4]! | (extra[at + 5]! << 8)) + 1;
    }
    at += 4 + length;
  }
  return null;
}

function headerCrc(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (0xedb88320 & -(crc & 1));
  }
  return ~crc >>> 0;
}

function corrupt(what: string): LazyImageError {
  return new LazyImageError("ERR_CORRUPT", `These are no gzip data: ${what}.`);
}
