import { registerBackend } from "@lazyimg/core";
import { nifti } from "./backend.js";

registerBackend(nifti.name, nifti.matches, nifti.open, { prepend: false });

export { type NiftiImageHeader, nifti, openNifti } from "./backend.js";
