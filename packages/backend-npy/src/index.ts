import { registerBackend } from "@lazyimg/core";
import { npy } from "./backend.js";

registerBackend(npy.name, npy.matches, npy.open, { prepend: false });

export { npy, openNpy } from "./backend.js";
export type { NpyHeader } from "./header.js";
