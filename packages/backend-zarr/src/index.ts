import { registerBackend, registerWriter } from "@lazyimg/core";
import { registry } from "zarrita";
import { niftiZarr, remoteZarr, zarrStore } from "./backend.js";
import { writesZarr, writeZarrFile } from "./write.js";

for (const { name, matches, open } of [remoteZarr, zarrStore, niftiZarr]) {
  registerBackend(name, matches, open, { prepend: false });
}
registerWriter("nifti-zarr", writesZarr, writeZarrFile, { prepend: false });

// Who reads with zarrita itself has the faster decoders too.
for (const prefix of ["", "numcodecs."]) {
  registry.set(`${prefix}blosc`, async () => (await import("./zarrita-codecs.js")).zarritaBlosc);
  registry.set(`${prefix}zstd`, async () => (await import("./zarrita-codecs.js")).zarritaZstd);
}

export { niftiZarr, remoteZarr, type ZarrNiftiHeader, type ZarrReaderOptions, zarrStore } from "./backend.js";
export {
  type MutableZarrStore,
  type WriteZarrDirectoryOptions,
  type WriteZarrOptions,
  writeNiftiZarr,
  type ZarrCodec,
} from "./write.js";
