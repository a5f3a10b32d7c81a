import { registry } from "zarrita";

let registered = false;

/**
 * Gives zarrita this project's decoders of blosc and zstd, once: they are faster, and those that it has read on behind the
 * end of a chunk that was cut short. Its lz4 is kept from sizes that cannot be.
 */
export function registerCodecs(): void {
  if (registered) return;
  registered = true;
  for (const prefix of ["", "numcodecs."]) {
    registry.set(`${prefix}blosc`, async () => (await import("./zarrita-codecs.js")).zarritaBlosc);
    registry.set(`${prefix}zstd`, async () => (await import("./zarrita-codecs.js")).zarritaZstd);
    registry.set(`${prefix}lz4`, async () => (await import("./zarrita-codecs.js")).zarritaLz4);
  }
}
