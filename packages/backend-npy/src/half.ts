import { Tensor } from "@lazyimg/core";

/** What 16 bits are as a float (IEEE 754 binary16), exactly. */
function fromHalf(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (exponent === 0 ? fraction * 2 ** -24 : (1024 + fraction) * 2 ** (exponent - 25));
}

let table: Float32Array | undefined;

/** Float16 that was read as uint16, as float32 with the same strides: Node 20 has no array of float16. */
export function widenHalf({ data, shape, strides, offset }: Tensor): Tensor {
  table ??= Float32Array.from({ length: 1 << 16 }, (_, bits) => fromHalf(bits));
  const values = new Float32Array(data.length);
  for (let n = 0; n < values.length; n++) values[n] = table[data[n] as number]!;
  return new Tensor({ data: values, dtype: "float32", shape, strides, offset });
}
