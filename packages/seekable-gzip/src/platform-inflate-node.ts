import { inflateRaw } from "node:zlib";
import type { PlatformInflate } from "./platform-inflate.js";

/** Node's zlib, in its thread pool: several spans are inflated at once, and beside JavaScript. */
export const platformInflate: PlatformInflate = {
  threaded: true,
  inflate(bytes, size) {
    return new Promise((resolve, reject) => {
      // One more byte than is expected: the end is then seen in the one chunk, and more than that is an error.
      inflateRaw(bytes, { chunkSize: Math.max(64, size + 1), maxOutputLength: size + 1 }, (error, output) => {
        if (error) reject(error);
        else resolve(output);
      });
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

/** For Node 20, which has no `transfer`: a port without another end; what is transferred to it is gone. */
const nobody: MessagePort = (() => {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  return port1;
})();
