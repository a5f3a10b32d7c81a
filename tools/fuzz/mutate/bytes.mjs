/** Mutations of binary data: fields, bits, and whole spans. */

const WHOLE = [
  0,
  1,
  2,
  3,
  5,
  7,
  8,
  16,
  127,
  128,
  255,
  256,
  32767,
  32768,
  65535,
  65536,
  1 << 20,
  2 ** 31 - 1,
  2 ** 31,
  2 ** 32 - 1,
];
const WIDE = [
  ...WHOLE,
  2 ** 32,
  2 ** 40,
  2 ** 52,
  2 ** 53 - 1,
  2 ** 53,
  2 ** 62,
  -1,
  -2,
  -(2 ** 31),
  -(2 ** 62),
].map(BigInt);
const REAL = [0, -0, 1, -1, 0.5, 352, 540, 544, 1e-45, 1e-38, 1e9, 3.4e38, 1e300, Infinity, -Infinity, NaN];

/** Writes a value that is often at the edge of something as a field of `type` at byte `at`. */
function writeField(bytes, random, at, type, little) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const width = Number(type.slice(1)) / 8;
  if (at < 0 || at + width > bytes.length) return;
  const near = random.chance(0.2);
  const nudge = random.below(5) - 2;
  if (type === "i8") view.setUint8(at, near ? view.getUint8(at) + nudge : random.pick(WHOLE));
  else if (type === "i16")
    view.setInt16(
      at,
      near ? view.getInt16(at, little) + nudge : random.pick(WHOLE) * random.pick([1, 1, -1]),
      little,
    );
  else if (type === "i32")
    view.setInt32(
      at,
      near ? view.getInt32(at, little) + nudge : random.pick(WHOLE) * random.pick([1, 1, -1]),
      little,
    );
  else if (type === "i64")
    view.setBigInt64(at, near ? view.getBigInt64(at, little) + BigInt(nudge) : random.pick(WIDE), little);
  else if (type === "f32")
    view.setFloat32(at, near ? view.getFloat32(at, little) + nudge : random.pick(REAL), little);
  else view.setFloat64(at, near ? view.getFloat64(at, little) + nudge : random.pick(REAL), little);
}

const TYPES = ["i8", "i16", "i32", "i64", "f32", "f64"];

/** Where a mutation happens: mostly where headers are, at the beginning or the end. */
function place(bytes, random) {
  const { length } = bytes;
  const kind = random.below(10);
  if (kind < 5) return random.below(Math.min(length, 600));
  if (kind < 7) return Math.max(0, length - 1 - random.below(Math.min(length, 128)));
  return random.below(length);
}

function splice(bytes, from, to, ...pieces) {
  const parts = [bytes.subarray(0, from), ...pieces, bytes.subarray(to)];
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

/**
 * A damaged copy.
 *
 * @param fields known fields of the format, `[offset, type]`, which are preferred
 * @param other another seed, whose parts may be mixed in
 */
export function mutateBytes(
  original,
  random,
  { fields = [], other = original, little = random.chance(0.7) } = {},
) {
  let bytes = original.slice();
  for (let left = 1 + random.below(4); left > 0; left--) {
    const at = place(bytes, random);
    const span = 1 + random.below(random.pick([4, 32, 512]));
    const kind = random.below(100);
    if (kind < 45 && fields.length > 0) writeField(bytes, random, ...random.pick(fields), little);
    else if (kind < 60) {
      const type = random.pick(TYPES);
      const width = Number(type.slice(1)) / 8;
      writeField(bytes, random, random.chance(0.7) ? at - (at % width) : at, type, random.chance(0.5));
    } else if (kind < 70 && bytes.length > 0) bytes[at] ^= 1 << random.below(8);
    else if (kind < 76 && bytes.length > 0) bytes[at] = random.below(256);
    else if (kind < 80) bytes = splice(bytes, at, Math.min(bytes.length, at + span));
    else if (kind < 84) bytes = splice(bytes, at, at, bytes.subarray(at, at + span));
    else if (kind < 87)
      bytes = splice(
        bytes,
        at,
        at,
        Uint8Array.from({ length: span }, () => random.below(256)),
      );
    else if (kind < 90) bytes.copyWithin(random.below(bytes.length), at, at + span);
    else if (kind < 94) bytes = bytes.slice(0, random.chance(0.5) ? random.below(bytes.length) : at);
    else if (kind < 96) bytes = splice(bytes, bytes.length, bytes.length, new Uint8Array(span));
    else bytes = splice(bytes, at, Math.min(bytes.length, at + span), other.subarray(at, at + span));
  }
  return bytes;
}
