// IEEE 754 binary16, which JavaScript has an array for only since 2025, and Node 20 has none.

let table: Float32Array | undefined;

function fromBits(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

/** What the bits of float16 numbers are as float32, exactly; every NaN is the same one. */
export function widenFloat16(bits: Uint16Array): Float32Array {
  table ??= Float32Array.from({ length: 1 << 16 }, (_, n) => fromBits(n));
  const values = new Float32Array(bits.length);
  for (let n = 0; n < values.length; n++) values[n] = table[bits[n]!]!;
  return values;
}

function roundEven(value: number): number {
  const floor = Math.floor(value);
  const rest = value - floor;
  return rest > 0.5 || (rest === 0.5 && floor % 2 === 1) ? floor + 1 : floor;
}

/** The bits of a number as float16, rounded to nearest, ties to even. */
export function float16Bits(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const magnitude = Math.abs(value);
  // Half a step above the largest number, and what lies beyond.
  if (magnitude >= 65_520) return sign | 0x7c00;
  if (magnitude < 2 ** -14) return sign | roundEven(magnitude * 2 ** 24);
  const exponent = Math.floor(Math.log2(magnitude));
  return sign | (((exponent + 15) << 10) + roundEven((magnitude / 2 ** exponent - 1) * 1024));
}
