import { registerTransport } from "@lazyimg/byte-source";
import { azure } from "./transport.js";

registerTransport("az", azure);
registerTransport("abfs", azure);
registerTransport("abfss", azure);

export type { CredentialSource, Credentials } from "./credentials.js";
export { type AzureOptions, azure } from "./transport.js";
