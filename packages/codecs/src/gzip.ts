import { Inflater } from "./inflate.js";
import { createWasmKernel } from "./inflate-wasm.js";

// RFC 1952, section 2.3: a member's header without optional fields, and its CRC-32 and length behind the data.
const HEADER = 10;
const TRAILER = 8;
const DEFLATE = 8;

/**
 * Decodes gzip into memory that is there, where it is what nearly everybody writes: one member without optional fields, which
 * fills that memory. What else there is, and what is wrong with it, is left to the platform's decoder.
 */
export class GzipDecoder {
  readonly #inflater: Inflater;

  constructor(inflater: Inflater) {
    this.#inflater = inflater;
  }

  /** Whether `bytes` are such a member, undamaged; `out` has what it holds then, and anything otherwise. */
  decodeTo(bytes: Uint8Array, out: Uint8Array): boolean {
    if (bytes.length < HEADER + TRAILER) return false;
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    if (view.getUint16(0) !== 0x1f8b || bytes[2] !== DEFLATE || bytes[3] !== 0) return false;
    const end = bytes.length - TRAILER;
    if (view.getUint32(end + 4, true) !== out.length) return false;
    try {
      return this.#inflate(bytes.subarray(HEADER, end), out) === view.getUint32(end, true);
    } catch {
      // Corrupt: the inflater begins anew with the next member.
      return false;
    }
  }

  /** The CRC-32 of what the whole of `data` inflates to, if that fills `out`. */
  #inflate(data: Uint8Array, out: Uint8Array): number | undefined {
    const inflater = this.#inflater;
    inflater.reset();
    let fed = 0;
    let at = 0;
    let crc = 0;
    for (;;) {
      const stop = inflater.run();
      const { output } = inflater;
      if (output.length > out.length - at) return undefined;
      out.set(output, at);
      at += output.length;
      crc = inflater.crc32(crc);
      if (stop === "end") break;
      if (stop !== "input") continue;
      if (fed === data.length) return undefined;
      fed += inflater.feed(data.subarray(fed));
    }
    return at === out.length && fed === data.length && inflater.unread.length === 0 ? crc : undefined;
  }
}

/**
 * A decoder with memory of its own (0.7 MB), or `null` where WebAssembly is missing or forbidden: what platforms have is
 * faster than plain TypeScript.
 */
export function createGzipDecoder(): GzipDecoder | null {
  const kernel = createWasmKernel();
  return kernel && new GzipDecoder(new Inflater(kernel));
}
