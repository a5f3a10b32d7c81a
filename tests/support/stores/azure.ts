import { existsSync } from "node:fs";
import { join } from "node:path";
import { azure } from "@lazyimg/transport-azure";
import { serve } from "./server.js";
import { type ObjectStore, refuseInXml, type StoreKind, storeOn } from "./store.js";

/** The folder that Azurite is installed in; without it these tests are left out. */
const AZURITE = process.env.AZURITE ?? "";
const MAIN = join(AZURITE, "node_modules/azurite/dist/src/blob/main.js");

export const CONTAINER = "scans";
/** Azurite's own account, which everybody knows. */
export const account = "devstoreaccount1";
export const accountKey =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

async function start(): Promise<ObjectStore> {
  const server = await serve(process.execPath, (port) => [
    ...[MAIN, "--blobHost", "127.0.0.1", "--blobPort", String(port)],
    ...["--inMemoryPersistence", "--disableTelemetry", "--silent"],
  ]);
  const endpoint = `${server.endpoint}/${account}`;
  const readerOptions = { azure: { account, endpoint, credentials: { accountKey } } };
  const root = `az://${CONTAINER}`;
  const container = azure(root, { readerOptions });
  await container.fetch!(`${container.url.replace(/\/$/, "")}?restype=container`, { method: "PUT" });
  const said = `AccountName=${account};AccountKey=${accountKey};BlobEndpoint=${endpoint};`;
  const env = { AZURE_STORAGE_CONNECTION_STRING: said };
  return storeOn(server, { root, endpoint, readerOptions, env });
}

export const azureStore: StoreKind = {
  name: "Azure",
  hasServer: AZURITE !== "" && existsSync(MAIN),
  heedsConditions: true,
  start,
  refuse: (response, status, code, headers) =>
    refuseInXml(response, status, code, { "x-ms-error-code": code, ...headers }),
  isListing: (url) => url.includes("comp=list&"),
  codes: {
    busy: "ServerBusy",
    ended: [403, "AuthenticationFailed"],
    forbidden: "AuthorizationPermissionMismatch",
    missing: "BlobNotFound",
  },
  transport: "@lazyimg/transport-azure",
};
