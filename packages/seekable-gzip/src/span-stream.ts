import type { GzipPoint } from "./gzip-index.js";

/**
 * A stretch of a deflate stream between two checkpoints, made a stream of its own that any inflater decodes, without a
 * dictionary and without shifting bits (RFC 1951, section 3.2):
 *
 *     a stored block that holds the window | empty blocks up to the bit where the stretch begins | its bytes,
 *     untouched but for the first and the last | an empty final block
 *
 * The output is the history, which is the window with some zeros before it, then the stretch.
 */
export class SpanStream {
  /** Room for the whole stream: read the stretch's bytes into `body` and call `seal`. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Bytes of output before the stretch: as many as align it as it is aligned in the file, to 8. */
  readonly history: number;
  /** What `take` gave. */
  readonly memory: Uint8Array<ArrayBuffer>;
  /** Where the stretch's bytes go: from the byte of its first bit to the byte of its last. */
  readonly body: Uint8Array<ArrayBuffer>;
  readonly #first: number;
  readonly #firstBits: number;
  readonly #endBits: number;

  /**
   * @param start a checkpoint
   * @param endBit compressed position, in bits, where the stretch ends: a block's end
   * @param take gives memory of at least that size, of any content
   */
  constructor(start: GzipPoint, endBit: number, take: (size: number) => Uint8Array<ArrayBuffer>) {
    const window = start.window;
    const bits = start.bit % 8;
    const filler = FILLERS[bits]!;
    const padding = window === null ? 0 : (8 + (start.offset % 8) - (window.length % 8)) % 8;
    this.history = window === null ? 0 : padding + window.length;
    const stored = this.history === 0 ? 0 : 5 + this.history;
    const shared = bits === 0 ? 0 : 1;
    const at = stored + filler.length - shared;
    const length = Math.ceil(endBit / 8) - Math.floor(start.bit / 8);
    this.memory = take(at + length + 3);
    this.bytes = this.memory.subarray(0, at + length + 3);
    this.body = this.bytes.subarray(at, at + length);
    if (window !== null && stored > 0) {
      // BFINAL 0, BTYPE 00, padding; LEN, NLEN.
      this.bytes[0] = 0;
      this.bytes[1] = this.history & 255;
      this.bytes[2] = this.history >> 8;
      this.bytes[3] = this.bytes[1]! ^ 255;
      this.bytes[4] = this.bytes[2]! ^ 255;
      this.bytes.fill(0, 5, 5 + padding);
      this.bytes.set(window, 5 + padding);
    }
    this.bytes.set(filler.subarray(0, filler.length - shared), stored);
    this.#first = shared === 1 ? filler[filler.length - 1]! : 0;
    this.#firstBits = bits;
    this.#endBits = endBit % 8;
  }

  /** Patches the stretch's first and last byte and adds the final block. */
  seal(): Uint8Array<ArrayBuffer> {
    const { body, bytes } = this;
    const bits = this.#firstBits;
    if (bits > 0) body[0] = this.#first | (body[0]! & (0xff << bits) & 0xff);
    const end = this.#endBits;
    const at = body.byteOffset - bytes.byteOffset + body.length - (end > 0 ? 1 : 0);
    const last = end > 0 ? bytes[at]! & ((1 << end) - 1) : 0;
    // BFINAL 1, BTYPE 01, and the seven zero bits that end a fixed block.
    const patch = last | (3 << end);
    bytes[at] = patch & 255;
    bytes[at + 1] = patch >> 8;
    bytes[at + 2] = 0;
    return bytes.subarray(0, at + (end + 10 > 16 ? 3 : 2));
  }
}

const FILLERS: readonly Uint8Array[] = Array.from({ length: 8 }, (_, bits) => filler(bits));

/** Empty blocks that end at bit `bits` of their last byte. */
function filler(bits: number): Uint8Array {
  const out: number[] = [];
  let length = 0;
  const put = (value: number, count: number): void => {
    for (let i = 0; i < count; i++, length++) {
      if (length % 8 === 0) out.push(0);
      out[out.length - 1]! |= ((value >> i) & 1) << (length % 8);
    }
  };
  if (bits % 2 === 1) {
    // An empty dynamic block (section 3.2.7) has 91 bits: an odd number, which fixed and stored blocks cannot give.
    // Literal 255 and the end of block get codes of one bit, as does distance 0; code lengths are written with 1 and 18.
    put(0, 1);
    put(2, 2);
    put(0, 5);
    put(0, 5);
    put(14, 4);
    for (const symbol of [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1]) {
      put(symbol === 18 || symbol === 1 ? 1 : 0, 3);
    }
    for (const zeros of [138, 117]) {
      put(1, 1);
      put(zeros - 11, 7);
    }
    put(0, 3);
    put(1, 1);
  }
  // An empty fixed block has ten bits.
  while (length % 8 !== bits) put(2, 10);
  return Uint8Array.from(out);
}
