export { needsSwap, swapBytes } from "./byte-order.js";
export { type ArrayLayout, checkLayout, layoutBytes, stridesInOrder } from "./layout.js";
export { rawArray } from "./region-reader.js";
