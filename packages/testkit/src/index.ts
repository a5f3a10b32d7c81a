export { type CountingSource, countingSource, type Hold } from "./counting-source.js";
export type { Capabilities, Subject } from "./subject.js";
export { type BackendSuiteOptions, backendSuite } from "./suite.js";
export { type Volume, volume } from "./volume.js";
