import { Inflater } from "./inflate.js";
import { inflateInto } from "./inflate-into.js";
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
    const inflater = this.#inflater;
    let crc = 0;
    try {
      const inflated = inflateInto(inflater, bytes.subarray(0, end), HEADER, out, () => {
        crc = inflater.crc32(crc);
      });
      const isWhole = inflated.stop === "end" && inflated.size === out.length && inflated.end === end;
      return isWhole && crc === view.getUint32(end, true);
    } catch {
      // Corrupt: the inflater begins anew with the next member.
      return false;
    }
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
