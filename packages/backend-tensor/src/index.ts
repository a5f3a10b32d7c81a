import { registerBackend } from "@lazyimg/core";
import { tensor } from "./backend.js";

registerBackend(tensor.name, tensor.matches, tensor.open, { prepend: false });

export { tensor, tensorBackend } from "./backend.js";
