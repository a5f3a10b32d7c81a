export { openDataFile } from "./data-file.js";
export { type DataFile, isGzip, type OpenedFile, openFile, openInflated } from "./open-file.js";
export { openTextHeader, readTextHeader, type TextFormat } from "./text-header.js";
export { openTextImage, type TextImageFormat, type TextImageHeader, type Voxels } from "./text-image.js";
export { within } from "./within.js";
