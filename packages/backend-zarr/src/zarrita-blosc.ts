import { createBloscDecoder, readBloscFrame, supportsFrame } from "@lazyimg/codecs";

/** What zarrita asks of a codec. */
interface BytesCodec {
  readonly kind: "bytes_to_bytes";
  decode(bytes: Uint8Array): Promise<Uint8Array>;
  encode(bytes: Uint8Array): Promise<Uint8Array>;
}

let decoder: ReturnType<typeof createBloscDecoder> | undefined;

/**
 * zarrita's blosc, decoding with this project's kernel what that reads (LZ4), and the rest, and all encoding, with
 * numcodecs as before.
 */
export const zarritaBlosc = {
  kind: "bytes_to_bytes",
  fromConfig(config: unknown): BytesCodec {
    const numcodecs = async () =>
      (await import("numcodecs/blosc")).default.fromConfig(config as { readonly id: string });
    return {
      kind: "bytes_to_bytes",
      async decode(bytes) {
        const frame = readBloscFrame(bytes);
        if (!supportsFrame(frame)) return (await numcodecs()).decode(bytes);
        decoder ??= createBloscDecoder();
        return decoder.decode(bytes, frame);
      },
      encode: async (bytes) => (await numcodecs()).encode(bytes),
    };
  },
} as const;
