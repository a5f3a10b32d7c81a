import { createInflateRaw } from "node:zlib";
import type { PlatformInflate } from "./platform-inflate.js";

/** Node's zlib, in its thread pool: several spans are inflated at once, and beside JavaScript. */
export const platformInflate: PlatformInflate = {
  threaded: true,
  inflate(bytes, size) {
    return new Promise((resolve, reject) => {
      // All that is wanted comes as one chunk, and nothing behind it is inflated.
      const stream = createInflateRaw({ chunkSize: Math.max(64, size) });
      stream.on("data", (chunk: Buffer) => {
        resolve(chunk.subarray(0, size));
        stream.destroy(ENOUGH);
      });
      stream.on("error", reject);
      stream.on("end", () => resolve(Buffer.alloc(0)));
      stream.end(bytes);
    });
  },
  free(output) {
    const buffer = output.buffer as ArrayBuffer & { transfer?: (size: number) => ArrayBuffer };
    // Outputs this small may share memory with others.
    if (buffer.byteLength < 65536) return;
    if (buffer.transfer !== undefined) buffer.transfer(0);
    else nobody.postMessage(null, [buffer]);
  },
};

/** What the streams end with that were not read to their end: one for all, where Node would make one for each. */
const ENOUGH = new Error("Enough was inflated.");

/** For Node 20, which has no `transfer`: a port without another end; what is transferred to it is gone. */
const nobody: MessagePort = (() => {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  return port1;
})();
