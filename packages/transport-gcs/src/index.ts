import { registerTransport } from "@lazyimg/byte-source";
import { gcs } from "./transport.js";

registerTransport("gs", gcs);
registerTransport("gcs", gcs);

export type { AuthorizedUser, CredentialSource, ServiceAccount, Token } from "./credentials.js";
export { type GcsOptions, gcs } from "./transport.js";
