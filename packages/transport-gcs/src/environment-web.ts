import type { Environment } from "./environment-node.js";

const none = async (): Promise<null> => null;

/** A page has neither variables nor key files. */
export function environment(): Environment {
  return { credentials: none };
}
