export { gridOf, isUnchanged } from "./carry.js";
export { encodeNiftiHeader, type NiftiHeaderInit } from "./encode.js";
export * from "./parse.js";
