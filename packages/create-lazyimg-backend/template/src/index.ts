import { registerBackend } from "@lazyimg/core";
import { exampleBackend } from "./backend.js";

registerBackend(exampleBackend.name, exampleBackend.matches, exampleBackend.open, { prepend: false });

export { exampleBackend, openExample } from "./backend.js";
export type { ExampleHeader } from "./header.js";
