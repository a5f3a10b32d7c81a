/**
 * Numbers with a significand of 64 bits: `significand * 2 ** exponent`.
 *
 * nibabel turns quaternions into rotations in C's `long double`, which on x86 is this. Computing likewise is what makes
 * the affine of a qform equal to nibabel's in every bit.
 */
export interface Extended {
  readonly significand: bigint;
  readonly exponent: number;
}

const bitLength = (value: bigint): number => value.toString(2).length;

/** The nearest number with 64 bits, ties to even. */
function round(value: bigint, exponent: number): Extended {
  const negative = value < 0n;
  let magnitude = negative ? -value : value;
  const excess = Math.max(0, bitLength(magnitude) - 64);
  if (excess > 0) {
    const half = 1n << BigInt(excess - 1);
    const rest = magnitude & (2n * half - 1n);
    magnitude >>= BigInt(excess);
    if (rest > half || (rest === half && (magnitude & 1n) === 1n)) magnitude++;
  }
  return { significand: negative ? -magnitude : magnitude, exponent: exponent + excess };
}

/** Exactly `value`, which is finite. */
export function extended(value: number): Extended {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, Math.abs(value));
  const bits = view.getBigUint64(0);
  const biased = Number(bits >> 52n);
  const fraction = bits & (2n ** 52n - 1n);
  const significand = biased === 0 ? fraction : fraction | (2n ** 52n);
  return { significand: value < 0 ? -significand : significand, exponent: Math.max(biased, 1) - 1075 };
}

/** The nearest float64. */
export function toNumber({ significand, exponent }: Extended): number {
  const half = Math.trunc(exponent / 2); // 2 ** exponent alone may underflow.
  return Number(significand) * 2 ** half * 2 ** (exponent - half);
}

export function add(a: Extended, b: Extended): Extended {
  const exponent = Math.min(a.exponent, b.exponent);
  const align = (x: Extended) => x.significand << BigInt(x.exponent - exponent);
  return round(align(a) + align(b), exponent);
}

export function subtract(a: Extended, b: Extended): Extended {
  return add(a, { significand: -b.significand, exponent: b.exponent });
}

export function multiply(a: Extended, b: Extended): Extended {
  return round(a.significand * b.significand, a.exponent + b.exponent);
}

/** `a / b` for positive numbers. */
export function divide(a: Extended, b: Extended): Extended {
  const dividend = a.significand << 192n;
  const quotient = dividend / b.significand;
  // The remainder only matters for rounding: one bit below the rest stands for it.
  const sticky = quotient * b.significand === dividend ? 0n : 1n;
  return round((quotient << 1n) | sticky, a.exponent - b.exponent - 193);
}

/** The square root of a positive number. */
export function squareRoot({ significand, exponent }: Extended): Extended {
  const shift = exponent % 2 === 0 ? 192 : 193;
  const square = significand << BigInt(shift);
  let root = 1n << BigInt(Math.ceil(bitLength(square) / 2));
  for (let next = (root + square / root) >> 1n; next < root; next = (root + square / root) >> 1n) root = next;
  const sticky = root * root === square ? 0n : 1n;
  return round((root << 1n) | sticky, (exponent - shift) / 2 - 1);
}
