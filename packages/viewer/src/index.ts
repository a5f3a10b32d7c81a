import "./define.js";

export { filesChosen, filesDropped } from "./dropped.js";
export { type CrosshairDetail, LazyImageViewer, type ViewerTraffic } from "./element.js";
export type { Convention } from "./geometry.js";
export type { TrafficCounts, VoxelValue } from "./protocol.js";
export type { Openable, ViewerSource } from "./source.js";
