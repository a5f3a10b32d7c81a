export { encodeNiftiHeader, type NiftiHeaderInit } from "./encode.js";
export * from "./parse.js";
