export { openDataFile } from "./data-file.js";
export { type DataFile, isGzip, type OpenedFile, openFile, openInflated } from "./open-file.js";
export { readTextHeader } from "./text-header.js";
export { within } from "./within.js";
