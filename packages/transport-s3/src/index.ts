import { registerTransport } from "@lazyimg/byte-source";
import { s3 } from "./transport.js";

registerTransport("s3", s3);

export type { CredentialSource, Credentials } from "./credentials.js";
export { type S3Options, s3 } from "./transport.js";
