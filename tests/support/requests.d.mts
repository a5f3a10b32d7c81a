import type { BackendRequest } from "../../packages/core/dist/index.js";

export const requests: readonly {
  readonly what: string;
  readonly backend: string | null;
  readonly request: BackendRequest;
}[];
