import "@lazyimg/transport-gcs";
import { runs, serve } from "./server.js";
import { type ObjectStore, type StoreKind, storeOn } from "./store.js";

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
  // The emulator is told where it is seen.
  const server = await serve(FAKE_GCS_SERVER, (port, seen) => [
    ...["-scheme", "http", "-host", "127.0.0.1", "-port", String(port), "-backend", "memory"],
    ...["-public-host", `127.0.0.1:${seen}`, "-external-url", `http://127.0.0.1:${seen}`],
    ...["-log-level", "error"],
  ]);
  const { endpoint } = server;
  await fetch(`${endpoint}/storage/v1/b`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ name: BUCKET }),
  });
  const readerOptions = { gcs: { endpoint, credentials: { token } } };
  const env = { STORAGE_EMULATOR_HOST: endpoint };
  return storeOn(server, { root: `gs://${BUCKET}`, endpoint, readerOptions, env });
}

export const gcsStore: StoreKind = {
  name: "Google Cloud Storage",
  hasServer: runs(FAKE_GCS_SERVER, "-help"),
  heedsConditions: true,
  start,
  refuse,
  isListing: (url) => /\/storage\/v1\/b\/[^/]+\/o\?/.test(url) && !url.startsWith("/upload/"),
  codes: {
    busy: "rateLimitExceeded",
    ended: [401, "authError"],
    forbidden: "forbidden",
    missing: "notFound",
  },
  transport: "@lazyimg/transport-gcs",
};
