import { registerBackend } from "@lazyimg/core";
import { mgh } from "./backend.js";

registerBackend(mgh.name, mgh.matches, mgh.open, { prepend: false });

export { type MghImageHeader, mgh, openMgh } from "./backend.js";
export type { MghFooter, MghHeader } from "./header.js";
