import { LazyImageError } from "@lazyimg/core";
import { GRAIN } from "./checksums.js";
import { GzipDecoder } from "./decoder.js";
import type { GzipIndex, GzipPoint } from "./gzip-index.js";
import { giveInflater, takeInflater } from "./inflater-pool.js";
import { isGzip } from "./member.js";

// indexed_gzip's index file, version 1, little-endian: a header, points, then the windows of the points that have one.
const MAGIC = "GZIDX";
const VERSION = 1;
const HEADER_BYTES = 35;
const POINT_BYTES = 18;
const WINDOW_BYTES = 32768;
// Our own addition, behind all that other readers look at: CRC32 of the output in small parts.
const CHECKSUMS = "CRCS";
// A sidecar that is itself gzipped may not inflate to more than this: the windows of 8192 points.
const MOST_BYTES = 1 << 28;

/**
 * Serializes an index in indexed_gzip's GZIDX format, version 1. Checksums, where there are any, follow behind the end,
 * where indexed_gzip does not look: `CRCS`, a u32 per point (`Checksums.heads`), a u32 per 32 KiB of output (`grains`).
 */
export function writeIndex(index: GzipIndex): Uint8Array {
  const { points } = index;
  const windows = points.filter((point) => point.window !== null).length;
  const crcs = index.checksums === undefined ? [] : [...index.checksums.heads, ...index.checksums.grains];
  const end = HEADER_BYTES + points.length * POINT_BYTES + windows * WINDOW_BYTES;
  const bytes = new Uint8Array(end + (crcs.length === 0 ? 0 : 4 + 4 * crcs.length));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  view.setUint8(5, VERSION);
  view.setBigUint64(7, BigInt(index.compressedSize), true);
  view.setBigUint64(15, BigInt(index.size), true);
  view.setUint32(23, index.spacing, true);
  view.setUint32(27, WINDOW_BYTES, true);
  view.setUint32(31, points.length, true);
  let at = HEADER_BYTES;
  let windowAt = HEADER_BYTES + points.length * POINT_BYTES;
  for (const point of points) {
    // The offset is that of the byte after the partial one: bit = 8 * offset - bits.
    const offset = Math.ceil(point.bit / 8);
    view.setBigUint64(at, BigInt(offset), true);
    view.setBigUint64(at + 8, BigInt(point.offset), true);
    view.setUint8(at + 16, offset * 8 - point.bit);
    view.setUint8(at + 17, point.window === null ? 0 : 1);
    at += POINT_BYTES;
    if (point.window !== null) {
      // Right-aligned: near a member's beginning there is less history than a window holds.
      bytes.set(point.window, windowAt + WINDOW_BYTES - point.window.length);
      windowAt += WINDOW_BYTES;
    }
  }
  if (crcs.length > 0) {
    for (let i = 0; i < CHECKSUMS.length; i++) bytes[end + i] = CHECKSUMS.charCodeAt(i);
    crcs.forEach((crc, i) => {
      view.setUint32(end + 4 + 4 * i, crc, true);
    });
  }
  return bytes;
}

/**
 * Reads an index in indexed_gzip's GZIDX format, version 0 or 1, which may itself be gzipped. Its windows are views of
 * `input`, which is not to be changed from then on.
 *
 * @throws LazyImageError ERR_CORRUPT where the bytes are none, ERR_UNSUPPORTED for another version,
 *   ERR_TRUNCATED where they end too early
 */
export function readIndex(input: Uint8Array): GzipIndex {
  const bytes = isGzip(input) ? gunzip(input) : input;
  if (MAGIC !== String.fromCharCode(...bytes.subarray(0, 5))) {
    throw new LazyImageError("ERR_CORRUPT", `This is no gzip index: it does not begin with ${MAGIC}.`);
  }
  if (bytes.length < HEADER_BYTES) throw truncated(HEADER_BYTES, bytes.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const version = view.getUint8(5);
  if (version > VERSION)
    throw new LazyImageError("ERR_UNSUPPORTED", `A gzip index of version ${version}; 0 and 1 are read.`);
  const compressedSize = Number(view.getBigUint64(7, true));
  const size = Number(view.getBigUint64(15, true));
  const spacing = view.getUint32(23, true);
  const windowBytes = view.getUint32(27, true);
  const count = view.getUint32(31, true);
  // Version 0 has no flag: all points but the first have a window.
  const pointBytes = version === 0 ? POINT_BYTES - 1 : POINT_BYTES;
  if (windowBytes < WINDOW_BYTES || windowBytes > 1 << 20) {
    throw new LazyImageError(
      "ERR_CORRUPT",
      `The gzip index has windows of ${windowBytes} bytes; ${WINDOW_BYTES} are needed.`,
    );
  }
  if (bytes.length < HEADER_BYTES + count * pointBytes)
    throw truncated(HEADER_BYTES + count * pointBytes, bytes.length);
  const points: GzipPoint[] = [];
  const kept: number[] = [];
  let windowAt = HEADER_BYTES + count * pointBytes;
  let previous: GzipPoint | null = null;
  for (let i = 0; i < count; i++) {
    const at = HEADER_BYTES + i * pointBytes;
    const bits = view.getUint8(at + 16);
    const bit = Number(view.getBigUint64(at, true)) * 8 - bits;
    const offset = Number(view.getBigUint64(at + 8, true));
    const hasWindow = version === 0 ? i > 0 : view.getUint8(at + 17) !== 0;
    if (
      bits > 7 ||
      // Behind a zlib stream's header.
      bit < 16 ||
      bit > compressedSize * 8 ||
      offset > size ||
      (previous === null ? offset !== 0 : bit <= previous.bit || offset < previous.offset)
    ) {
      throw new LazyImageError(
        "ERR_CORRUPT",
        `Point ${i} of the gzip index contradicts the others or the sizes.`,
      );
    }
    if (hasWindow && bytes.length < windowAt + windowBytes)
      throw truncated(windowAt + windowBytes, bytes.length);
    const window = hasWindow
      ? bytes.subarray(windowAt + windowBytes - WINDOW_BYTES, windowAt + windowBytes)
      : null;
    if (hasWindow) windowAt += windowBytes;
    const point = { bit, offset, window };
    // Two points at one output position (empty blocks or members between them): the later one reads less.
    if (previous !== null && previous.offset === offset) {
      points.pop();
      kept.pop();
    }
    points.push(point);
    kept.push(i);
    previous = point;
  }
  if (points.length === 0) throw new LazyImageError("ERR_CORRUPT", "The gzip index has no points.");
  const grainsAt = windowAt + 4 + 4 * count;
  const grains = Math.ceil(size / GRAIN);
  const hasChecksums =
    bytes.length === grainsAt + 4 * grains &&
    CHECKSUMS === String.fromCharCode(...bytes.subarray(windowAt, windowAt + 4));
  const checksums = hasChecksums
    ? {
        heads: kept.map((i) => view.getUint32(windowAt + 4 + 4 * i, true)),
        grains: Array.from({ length: grains }, (_, i) => view.getUint32(grainsAt + 4 * i, true)),
      }
    : undefined;
  return { compressedSize, size, spacing, points, checksums };
}

function gunzip(bytes: Uint8Array): Uint8Array {
  const decoder = new GzipDecoder(takeInflater());
  const pieces: Uint8Array[] = [];
  let total = 0;
  let at = 0;
  for (;;) {
    const stop = decoder.step(Number.POSITIVE_INFINITY);
    const { output } = decoder.inflater;
    total += output.length;
    if (total > MOST_BYTES)
      throw new LazyImageError("ERR_LIMIT", `The gzipped gzip index holds more than ${MOST_BYTES} bytes.`);
    if (output.length > 0) pieces.push(output.slice());
    if (stop === "end") break;
    if (stop !== "input") continue;
    if (at === bytes.length) decoder.finish();
    at += decoder.feed(bytes.subarray(at));
  }
  giveInflater(decoder.inflater);
  const all = new Uint8Array(total);
  let to = 0;
  for (const piece of pieces) {
    all.set(piece, to);
    to += piece.length;
  }
  return all;
}

function truncated(expected: number, found: number): LazyImageError {
  return new LazyImageError(
    "ERR_TRUNCATED",
    `The gzip index ends after ${found} bytes; ${expected} or more are needed.`,
  );
}
