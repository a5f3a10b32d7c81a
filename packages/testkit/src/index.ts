export type { Counter } from "./counter.js";
export { type CountingSource, countingSource } from "./counting-source.js";
export { type CountingStore, countingStore } from "./counting-store.js";
export { type Gate, gate, type Hold } from "./gate.js";
export type { Capabilities, Subject } from "./subject.js";
export { type BackendSuiteOptions, backendSuite } from "./suite.js";
export { type Volume, volume } from "./volume.js";
