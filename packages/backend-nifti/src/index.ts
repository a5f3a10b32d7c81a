import { registerBackend, registerWriter } from "@lazyimg/core";
import { nifti } from "./backend.js";
import { isNiftiDestination } from "./match.js";
import { writeNifti } from "./write.js";

registerBackend(nifti.name, nifti.matches, nifti.open, { prepend: false });
registerWriter(nifti.name, isNiftiDestination, writeNifti, { prepend: false });

export { type NiftiImageHeader, nifti, openNifti } from "./backend.js";
export { type WriteNiftiOptions, writeNifti } from "./write.js";
