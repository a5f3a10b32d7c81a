import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { remoteWriter } from "@lazyimg/byte-source/remote";
import { azure } from "@lazyimg/transport-azure";
import { answering, freePort, proxyTo } from "./proxy.js";
import { behind, type ObjectStore, refuseInXml, type StoreKind } from "./store.js";

/** The folder that Azurite is installed in; without it these tests are left out. */
const AZURITE = process.env.AZURITE ?? "";
const MAIN = join(AZURITE, "node_modules/azurite/dist/src/blob/main.js");

export const CONTAINER = "scans";
/** Azurite's own account, which everybody knows. */
export const account = "devstoreaccount1";
export const accountKey =
  "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

async function start(): Promise<ObjectStore> {
  const port = await freePort();
  const place = ["--blobHost", "127.0.0.1", "--blobPort", String(port)];
  const rest = ["--inMemoryPersistence", "--disableTelemetry", "--silent"];
  const server = spawn(process.execPath, [MAIN, ...place, ...rest], { stdio: "ignore" });
  await answering(port, () => server.exitCode);
  const proxy = await proxyTo(port);
  const endpoint = `http://127.0.0.1:${proxy.port}/${account}`;
  const readerOptions = { azure: { account, endpoint, credentials: { accountKey } } };
  const root = `az://${CONTAINER}`;
  const container = azure(root, { readerOptions });
  await container.fetch!(`${container.url.replace(/\/$/, "")}?restype=container`, { method: "PUT" });
  const writer = (await remoteWriter(root, { readerOptions }))!;
  return behind(proxy, {
    root,
    endpoint,
    readerOptions,
    env: {
      AZURE_STORAGE_CONNECTION_STRING: `AccountName=${account};AccountKey=${accountKey};BlobEndpoint=${endpoint};`,
    },
    put: (key, body) => writer.put(key, body),
    async stop() {
      server.kill();
      await new Promise((resolve) => server.once("exit", resolve));
    },
  });
}

export const azureStore: StoreKind = {
  name: "Azure",
  hasServer: AZURITE !== "" && existsSync(MAIN),
  start,
  refuse: (response, status, code, headers) =>
    refuseInXml(response, status, code, { "x-ms-error-code": code, ...headers }),
  isListing: (url) => url.includes("comp=list&"),
  codes: {
    busy: "ServerBusy",
    ended: [403, "AuthenticationFailed"],
    forbidden: "AuthorizationPermissionMismatch",
  },
  transport: "@lazyimg/transport-azure",
};
