export { type CallContext, type CallOptions, Link, type Port, type Progress, type Services } from "./link.js";
