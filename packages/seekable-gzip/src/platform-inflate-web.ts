import type { PlatformInflate } from "./platform-inflate.js";

/** `DecompressionStream`, slower than our own kernel in WebAssembly, faster than the one in JavaScript. */
export const platformInflate: PlatformInflate | null =
  typeof DecompressionStream === "undefined" ? null : { threaded: false, inflate, free: () => undefined };

async function inflate(bytes: Uint8Array<ArrayBuffer>, size: number): Promise<Uint8Array> {
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw"));
  const reader = stream.getReader();
  const output = new Uint8Array(size);
  let at = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return output.subarray(0, at);
    output.set(value.subarray(0, size - at), at);
    at += value.length;
    if (at >= size) {
      await reader.cancel();
      return output;
    }
  }
}
