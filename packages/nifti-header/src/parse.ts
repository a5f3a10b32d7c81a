/** What it takes to read headers: a page that writes none never loads the rest. */
export { NIFTI_DATATYPES, type NiftiDatatype } from "./datatypes.js";
export { type NiftiExtension, parseExtensions } from "./extensions.js";
export {
  type NiftiHeader,
  type ParseOptions,
  parseNiftiHeader,
  type SpaceUnit,
  type TimeUnit,
} from "./header.js";
export { shape4Of } from "./layout.js";
export { NIFTI_PROBE_BYTES, type NiftiSignature, sniffNifti } from "./sniff.js";
