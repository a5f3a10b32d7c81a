import { spawn } from "node:child_process";
import { remoteWriter } from "@lazyimg/byte-source/remote";
import "@lazyimg/transport-gcs";
import { answering, freePort, proxyTo, runs } from "./proxy.js";
import { behind, type ObjectStore, type StoreKind } from "./store.js";

/** An emulator of Google Cloud Storage; without it these tests are left out. */
const FAKE_GCS_SERVER = process.env.FAKE_GCS_SERVER ?? "fake-gcs-server";

const BUCKET = "scans";
/** The emulator takes any. */
const token = "ya29.correct-horse";

/** As Google answers, in XML where objects are read and in JSON where they are written. */
const refuse: StoreKind["refuse"] = (response, status, code, headers = {}) => {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify({ error: { code: status, message: "So it is.", errors: [{ reason: code }] } }));
  return true;
};

async function start(): Promise<ObjectStore> {
  const port = await freePort();
  // The emulator is told where it is seen before there is a proxy: by a port that is handed on.
  const proxy = await proxyTo(port);
  const endpoint = `http://127.0.0.1:${proxy.port}`;
  const place = ["-scheme", "http", "-host", "127.0.0.1", "-port", String(port), "-backend", "memory"];
  const seen = ["-public-host", `127.0.0.1:${proxy.port}`, "-external-url", endpoint, "-log-level", "error"];
  const server = spawn(FAKE_GCS_SERVER, [...place, ...seen], { stdio: "ignore" });
  await answering(port, () => server.exitCode);
  await fetch(`${endpoint}/storage/v1/b`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: BUCKET }),
  });
  const readerOptions = { gcs: { endpoint, credentials: { token } } };
  const root = `gs://${BUCKET}`;
  const writer = (await remoteWriter(root, { readerOptions }))!;
  return behind(proxy, {
    root,
    endpoint,
    readerOptions,
    env: { STORAGE_EMULATOR_HOST: endpoint },
    put: (key, body) => writer.put(key, body),
    async stop() {
      server.kill();
      await new Promise((resolve) => server.once("exit", resolve));
    },
  });
}

export const gcsStore: StoreKind = {
  name: "Google Cloud Storage",
  hasServer: runs(FAKE_GCS_SERVER, "-help"),
  start,
  refuse,
  isListing: (url) => /\/storage\/v1\/b\/[^/]+\/o\?/.test(url) && !url.startsWith("/upload/"),
  codes: { busy: "rateLimitExceeded", ended: [401, "authError"], forbidden: "forbidden" },
  transport: "@lazyimg/transport-gcs",
};
