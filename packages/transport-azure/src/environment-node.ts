import { readFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { sectionOf, tokenFrom } from "@lazyimg/byte-source/remote";
import type { Credentials } from "./credentials.js";

/** What the machine says of Azure. */
export interface Environment {
  readonly account?: string | undefined;
  readonly endpoint?: string | undefined;
  /** @throws LazyImageError `ERR_HTTP` when Microsoft Entra ID gives no token */
  credentials(): Promise<Credentials | null>;
}

/** The section `storage` of the az command's configuration. */
function configured(): Readonly<Record<string, string>> {
  const folder = process.env.AZURE_CONFIG_DIR || join(homedir(), ".azure");
  try {
    return sectionOf(readFileSync(join(folder, "config"), "utf8"), "storage") ?? {};
  } catch {
    return {};
  }
}

/** The parts of a connection string. */
function partsOf(text: string): Readonly<Record<string, string>> {
  const parts = [...text.matchAll(/([^=;]+)=([^;]*)/g)];
  return Object.fromEntries(parts.map(([, name, value]) => [name!.trim().toLowerCase(), value!]));
}

/** The endpoint that a connection string names, unless it is the public cloud's own. */
function endpointIn(parts: Readonly<Record<string, string>>): string | undefined {
  const { blobendpoint, endpointsuffix, accountname, defaultendpointsprotocol = "https" } = parts;
  if (blobendpoint) return blobendpoint;
  if (!endpointsuffix || !accountname) return undefined;
  return `${defaultendpointsprotocol}://${accountname}.blob.${endpointsuffix}`;
}

/**
 * The variables and the configuration of Azure's own tools: `AZURE_STORAGE_CONNECTION_STRING`, `AZURE_STORAGE_ACCOUNT`,
 * `AZURE_STORAGE_KEY`, `AZURE_STORAGE_SAS_TOKEN`; else `[storage]` in `~/.azure/config`; else a service principal, by
 * `AZURE_TENANT_ID` and `AZURE_CLIENT_ID` with `AZURE_CLIENT_SECRET` or `AZURE_FEDERATED_TOKEN_FILE`.
 */
export function environment(): Environment {
  const { env } = process;
  const config = configured();
  const parts = partsOf(env.AZURE_STORAGE_CONNECTION_STRING || config.connection_string || "");
  const accountKey = env.AZURE_STORAGE_KEY || parts.accountkey || config.key;
  const sasToken = env.AZURE_STORAGE_SAS_TOKEN || parts.sharedaccesssignature || config.sas_token;
  return {
    account: env.AZURE_STORAGE_ACCOUNT || parts.accountname || config.account,
    endpoint: endpointIn(parts),
    async credentials() {
      if (accountKey) return { accountKey };
      if (sasToken) return { sasToken };
      return principal();
    },
  };
}

/** A token for a service principal (OAuth 2.0 client credentials), if the variables name one. */
async function principal(): Promise<Credentials | null> {
  const { env } = process;
  const { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: id, AZURE_CLIENT_SECRET: secret } = env;
  const file = env.AZURE_FEDERATED_TOKEN_FILE;
  if (!tenant || !id || !(secret || file)) return null;
  const host = (env.AZURE_AUTHORITY_HOST || "https://login.microsoftonline.com").replace(/\/+$/, "");
  const body = new URLSearchParams({
    grant_type: "client_credentials",
    client_id: id,
    scope: "https://storage.azure.com/.default",
    ...(secret
      ? { client_secret: secret }
      : {
          client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
          client_assertion: (await readFile(file!, "utf8")).trim(),
        }),
  });
  return tokenFrom(
    `${host}/${tenant}/oauth2/v2.0/token`,
    { method: "POST", body },
    `AZURE_CLIENT_ID ${id}`,
    "; look at AZURE_TENANT_ID and the secret",
  );
}
