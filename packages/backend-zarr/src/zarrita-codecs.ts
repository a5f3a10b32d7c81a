import { createBloscDecoder, readBloscFrame, supportsFrame } from "@lazyimg/codecs";
import { LazyImageError } from "@lazyimg/core";
import { zstdKernel } from "./read/zstd.js";
import { zstdSize } from "./read/zstd-frame.js";

/** What zarrita asks of a codec. */
interface BytesCodec {
  readonly kind: "bytes_to_bytes";
  decode(bytes: Uint8Array): Promise<Uint8Array>;
  encode(bytes: Uint8Array): Promise<Uint8Array>;
}

/** What zarrita's registry holds. */
interface Codec {
  readonly kind: "bytes_to_bytes";
  fromConfig(config: unknown): BytesCodec;
}

/** A codec of numcodecs, with the module it is in. */
type Numcodecs = () => Promise<{
  readonly default: {
    fromConfig(
      config: never,
    ): Record<"decode" | "encode", (bytes: Uint8Array) => Uint8Array | Promise<Uint8Array>>;
  };
}>;

/** zarrita's codec, where `decode` gives nothing and for encoding; otherwise what `decode` gives or throws. */
function instead(numcodecs: Numcodecs, decode: (bytes: Uint8Array) => Uint8Array | undefined): Codec {
  return {
    kind: "bytes_to_bytes",
    fromConfig(config: unknown): BytesCodec {
      const own = async () => (await numcodecs()).default.fromConfig(config as never);
      return {
        kind: "bytes_to_bytes",
        decode: async (bytes) => decode(bytes) ?? (await own()).decode(bytes),
        encode: async (bytes) => (await own()).encode(bytes),
      };
    },
  };
}

let blosc: ReturnType<typeof createBloscDecoder> | undefined;

/** zarrita's blosc, with this project's decoder. */
export const zarritaBlosc: Codec = instead(
  () => import("numcodecs/blosc"),
  (bytes) => {
    const frame = readBloscFrame(bytes);
    // snappy; and zstd needs the kernel.
    if (!supportsFrame(frame) || (frame.codec === "zstd" && zstdKernel() === null)) return undefined;
    blosc ??= createBloscDecoder(undefined, (stream, size) => zstdKernel()!.decode(stream, size));
    return blosc.decode(bytes, frame);
  },
);

/** zarrita's zstd, with this project's kernel for frames that state their length, as nearly all do. */
export const zarritaZstd: Codec = instead(
  () => import("numcodecs/zstd"),
  (bytes) => {
    const size = zstdSize(bytes);
    return size === undefined ? undefined : zstdKernel()?.decode(bytes, size);
  },
);

/** Of lz4 a byte stands for at most so many: lengths go on in bytes of 255. */
const LZ4_RATIO = 255;

/** zarrita's lz4, which would make room for whatever size the first four bytes say. */
export const zarritaLz4: Codec = instead(
  () => import("numcodecs/lz4"),
  (bytes) => {
    if (bytes.length < 4) return undefined;
    const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
    if (size <= LZ4_RATIO * bytes.length) return undefined;
    throw new LazyImageError(
      "ERR_CORRUPT",
      `${bytes.length} bytes of lz4 cannot hold the ${size} that they state`,
    );
  },
);
