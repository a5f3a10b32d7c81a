import { registerBackend, registerWriter } from "@lazyimg/core";
import { niftiZarr, remoteZarr, zarrStore } from "./backend.js";
import { registerCodecs } from "./register-codecs.js";
import { writesZarr, writeZarrFile } from "./write.js";

for (const { name, matches, open } of [remoteZarr, zarrStore, niftiZarr]) {
  registerBackend(name, matches, open, { prepend: false });
}
registerWriter("nifti-zarr", writesZarr, writeZarrFile, { prepend: false });

// Who reads with zarrita itself has these too.
registerCodecs();

export { niftiZarr, remoteZarr, type ZarrNiftiHeader, type ZarrReaderOptions, zarrStore } from "./backend.js";
export {
  type MutableZarrStore,
  type WriteZarrDirectoryOptions,
  type WriteZarrOptions,
  writeNiftiZarr,
  type ZarrCodec,
} from "./write.js";
