import type { BloscKernel } from "./blosc-kernel.js";

/** The kernel in plain TypeScript: the same answers, three to four times slower. */
export function plainBloscKernel(): BloscKernel {
  let heap = new Uint8Array(1 << 20);

  function joinPlanes(planes: number, stride: number, size: number, count: number, output: number): void {
    for (let b = 0; b < size; b++) {
      const plane = planes + b * stride;
      for (let n = 0, to = output + b; n < count; n++, to += size) heap[to] = heap[plane + n]!;
    }
  }

  /** What lies `offset` bytes before, until `end`: byte by byte, because a match may overlap what it writes. */
  function repeat(to: number, offset: number, end: number): number {
    for (let op = to; op < end; op++) heap[op] = heap[op - offset]!;
    return end;
  }

  function lz4Decode(input: number, length: number, output: number, room: number, stop: number): number {
    let ip = input;
    let op = output;
    const inputEnd = input + length;
    const outputEnd = output + room;
    const enough = output + stop;
    /** The rest of a length that did not fit its four bits; negative where the input ends first. */
    const more = (): number => {
      let sum = 0;
      for (;;) {
        if (ip >= inputEnd) return -1;
        const byte = heap[ip++]!;
        sum += byte;
        if (byte !== 255) return sum;
      }
    };
    while (ip < inputEnd) {
      const token = heap[ip++]!;
      let literals = token >> 4;
      if (literals === 15) {
        const rest = more();
        if (rest < 0) return -1;
        literals += rest;
      }
      if (literals > inputEnd - ip || literals > outputEnd - op) return -1;
      heap.copyWithin(op, ip, ip + literals);
      ip += literals;
      op += literals;
      if (op >= enough || ip >= inputEnd) break;
      if (inputEnd - ip < 2) return -1;
      const offset = heap[ip]! | (heap[ip + 1]! << 8);
      ip += 2;
      if (offset === 0 || offset > op - output) return -1;
      let match = (token & 15) + 4;
      if (match === 19) {
        const rest = more();
        if (rest < 0) return -1;
        match += rest;
      }
      if (match > outputEnd - op) return -1;
      op = repeat(op, offset, op + match);
      if (op >= enough) break;
    }
    return op - output;
  }

  /** See assembly/blosc/blosclz.ts. */
  function blosclzDecode(input: number, length: number, output: number, room: number, stop: number): number {
    let ip = input;
    let op = output;
    const inputEnd = input + length;
    const outputEnd = output + room;
    const enough = output + stop;
    if (length === 0) return -1;
    let token = heap[ip++]! & 31;
    for (;;) {
      if (token < 32) {
        const literals = token + 1;
        if (literals > inputEnd - ip || literals > outputEnd - op) return -1;
        heap.copyWithin(op, ip, ip + literals);
        ip += literals;
        op += literals;
      } else {
        let match = (token >> 5) + 2;
        for (let more = match === 9 ? 255 : 0; more === 255; match += more) {
          if (ip >= inputEnd) return -1;
          more = heap[ip++]!;
        }
        if (ip >= inputEnd) return -1;
        let offset = ((token & 31) << 8) + heap[ip++]! + 1;
        if (offset === 8192) {
          if (inputEnd - ip < 2) return -1;
          offset += (heap[ip]! << 8) + heap[ip + 1]!;
          ip += 2;
        }
        if (offset > op - output || match > outputEnd - op) return -1;
        op = repeat(op, offset, op + match);
      }
      if (op >= enough || ip >= inputEnd) return op - output;
      token = heap[ip++]!;
    }
  }

  function lz4Encode(input: number, length: number, output: number, room: number): number {
    // All literals: valid, never smaller; the caller stores what does not shrink.
    void [input, length, output, room];
    return 0;
  }

  return {
    base: 0,
    heap(size) {
      if (size > heap.length) {
        const larger = new Uint8Array(Math.max(size, 2 * heap.length));
        larger.set(heap);
        heap = larger;
      }
      return heap;
    },
    lz4Decode,
    blosclzDecode,
    lz4Encode,
    unshuffle(input, output, length, size) {
      const count = Math.floor(length / size);
      joinPlanes(input, count, size, count, output);
      heap.copyWithin(output + count * size, input + count * size, input + length);
    },
    shuffle(input, output, length, size) {
      const count = Math.floor(length / size);
      for (let b = 0; b < size; b++) {
        for (let n = 0; n < count; n++) heap[output + b * count + n] = heap[input + n * size + b]!;
      }
      heap.copyWithin(output + count * size, input + count * size, input + length);
    },
    bitUnshuffle(input, output, length, size) {
      const stride = length / size / 8;
      for (let b = 0; b < size; b++) {
        for (let group = 0; group < stride; group++) {
          for (let n = 0; n < 8; n++) {
            let byte = 0;
            for (let bit = 0; bit < 8; bit++) {
              byte |= ((heap[input + (8 * b + bit) * stride + group]! >> n) & 1) << bit;
            }
            heap[output + (8 * group + n) * size + b] = byte;
          }
        }
      }
    },
    gather(blocks, total, blockSize, size, shuffled, first, n0, n1, n2, s1, s2, output, o1, o2) {
      const blockCount = Math.floor(blockSize / size);
      for (let z = 0; z < n2; z++) {
        for (let y = 0; y < n1; y++) {
          let element = first + z * s2 + y * s1;
          let to = output + z * o2 + y * o1;
          if (!shuffled) {
            heap.copyWithin(to, blocks + element * size, blocks + (element + n0) * size);
            continue;
          }
          for (let rest = n0; rest > 0; ) {
            const block = Math.floor(element / blockCount);
            const within = element - block * blockCount;
            const count = Math.min(blockCount, Math.floor((total - block * blockSize) / size));
            const n = Math.min(rest, count - within);
            joinPlanes(blocks + block * blockSize + within, count, size, n, to);
            element += n;
            to += n * size;
            rest -= n;
          }
        }
      }
    },
  };
}
