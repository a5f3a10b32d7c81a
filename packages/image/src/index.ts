export { applyAffine, cropAffine } from "./affine.js";
export { Image, type SaveOptions } from "./image.js";
export { type OpenOptions, openImage } from "./open-image.js";
export { orientationOf } from "./orientation.js";
