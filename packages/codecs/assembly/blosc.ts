// What a blosc chunk needs, in AssemblyScript with SIMD: LZ4 blocks (both ways), blosclz, byte shuffle, bit shuffle, and rows
// taken out of shuffled blocks without unshuffling what nobody asked for.
//
// The host owns the memory behind `__heap_base` and passes addresses. Every area that is read or written needs SLACK
// bytes behind it: copies move 16 bytes at a time and may run past an end, never past the slack.

import { joinPlanes } from "./blosc/shuffle";

export { blosclzDecode } from "./blosc/blosclz";
export { lz4Decode, lz4Encode } from "./blosc/lz4";
export { bitUnshuffle, shuffle, unshuffle } from "./blosc/shuffle";

/**
 * Copies a box of `n2 x n1 x n0` elements of `size` bytes into `output`. The box begins at element `first`; its rows lie
 * `s1` and its planes `s2` elements apart in the chunk, `o1` and `o2` bytes apart in the output; a row's elements are
 * neighbours in both. The chunk of `total` bytes lies at `blocks`, in blocks of `blockSize` bytes that are byte-shuffled
 * with the element's size where `shuffled`.
 */
export function gather(
  blocks: usize, total: u32, blockSize: u32, size: u32, shuffled: bool,
  first: u32, n0: u32, n1: u32, n2: u32, s1: u32, s2: u32, output: usize, o1: u32, o2: u32,
): void {
  const blockCount = blockSize / size;
  for (let z: u32 = 0; z < n2; z++) {
    for (let y: u32 = 0; y < n1; y++) {
      let element = first + z * s2 + y * s1;
      let to = output + z * o2 + y * o1;
      if (!shuffled) {
        const from = blocks + element * size;
        if (n0 == 1 && size == 2) store<u16>(to, load<u16>(from));
        else if (n0 == 1 && size == 4) store<u32>(to, load<u32>(from));
        else memory.copy(to, from, n0 * size);
        continue;
      }
      let rest = n0;
      while (rest > 0) {
        const block = element / blockCount;
        const start = block * blockCount;
        const count = min(blockCount, (total - block * blockSize) / size);
        const n = min(rest, start + count - element);
        joinPlanes(blocks + block * blockSize + (element - start), count, size, n, to);
        element += n;
        to += n * size;
        rest -= n;
      }
    }
  }
}

/** Where the host's memory begins. */
export function heapBase(): usize {
  return __heap_base;
}
