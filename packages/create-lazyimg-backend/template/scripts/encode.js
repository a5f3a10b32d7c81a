import { bytesOf } from "@lazyimg/core";

/** An Example file with these voxels. */
export function encode(tensor, affine) {
  const { shape, dtype } = tensor;
  const line = `example 1 ${JSON.stringify({ shape, dtype, affine })}\n`;
  // C order of (C, K, J, I) is what lies on disk: I fastest.
  const [c, i, j, k] = shape;
  const values = tensor.copy("C").data;
  const onDisk = values.slice();
  let n = 0;
  for (let nc = 0; nc < c; nc++) {
    for (let nk = 0; nk < k; nk++) {
      for (let nj = 0; nj < j; nj++) {
        for (let ni = 0; ni < i; ni++) onDisk[n++] = values[((nc * i + ni) * j + nj) * k + nk];
      }
    }
  }
  return new Uint8Array([...new TextEncoder().encode(line), ...bytesOf(onDisk)]);
}
