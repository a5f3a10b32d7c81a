import { registerBackend } from "@lazyimg/core";
import { nrrd } from "./backend.js";

registerBackend(nrrd.name, nrrd.matches, nrrd.open, { prepend: false });

export { nrrd, openNrrd } from "./backend.js";
export type { NrrdHeader } from "./header.js";
