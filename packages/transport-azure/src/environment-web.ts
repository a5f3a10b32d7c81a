import type { Environment } from "./environment-node.js";

/** A page has neither variables nor profiles. */
export function environment(): Environment {
  return { credentials: async () => null };
}
