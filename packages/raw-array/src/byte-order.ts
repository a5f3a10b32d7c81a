import { bytesOf, type DataOf } from "@lazyimg/core";

const MACHINE_IS_LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

/** Whether elements in this byte order must be swapped to be the machine's own. */
export function needsSwap(littleEndian: boolean, data: DataOf): boolean {
  return littleEndian !== MACHINE_IS_LITTLE_ENDIAN && data.BYTES_PER_ELEMENT > 1;
}

/** Reverses the bytes of every array entry, in place. */
export function swapBytes(data: DataOf): void {
  const width = data.BYTES_PER_ELEMENT;
  const bytes = bytesOf(data);
  if (width === 2) {
    const words = new Uint16Array(data.buffer, data.byteOffset, data.length);
    for (let n = 0; n < words.length; n++) words[n] = (words[n]! << 8) | (words[n]! >>> 8);
    return;
  }
  const words = new Uint32Array(data.buffer, data.byteOffset, bytes.length / 4);
  const swap = (x: number) => (x << 24) | ((x << 8) & 0xff0000) | ((x >>> 8) & 0xff00) | (x >>> 24);
  if (width === 4) {
    for (let n = 0; n < words.length; n++) words[n] = swap(words[n]!);
    return;
  }
  for (let n = 0; n < words.length; n += 2) {
    const low = words[n]!;
    words[n] = swap(words[n + 1]!);
    words[n + 1] = swap(low);
  }
}
