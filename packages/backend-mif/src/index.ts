import { registerBackend } from "@lazyimg/core";
import { mif } from "./backend.js";

registerBackend(mif.name, mif.matches, mif.open, { prepend: false });

export { mif, openMif } from "./backend.js";
export type { MifHeader } from "./header.js";
