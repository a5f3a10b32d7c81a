import "./define.js";

export { filesChosen, filesDropped } from "./dropped.js";
export { LazyImageViewer } from "./element.js";
export type { Convention } from "./geometry.js";
export type { CrosshairDetail } from "./probe.js";
export type { TrafficCounts, VoxelValue } from "./protocol.js";
export type { ViewerTraffic } from "./readout.js";
export type { Openable, ViewerSource } from "./source.js";
