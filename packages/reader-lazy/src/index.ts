import { registerBackend } from "@lazyimg/core";
import { lazyReader } from "./backend.js";

registerBackend(lazyReader.name, lazyReader.matches, lazyReader.open, { prepend: false });

export { lazyReader } from "./backend.js";
