import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { s3 } from "@lazyimg/transport-s3";
import { runs, serve } from "./server.js";
import { type ObjectStore, refuseInXml, type StoreKind, storeOn } from "./store.js";

/** An S3 server that checks signatures; without it these tests are left out. */
const VERSITYGW = process.env.VERSITYGW ?? "versitygw";

export const BUCKET = "scans";
export const credentials = { accessKeyId: "AKIALAZYIMG", secretAccessKey: "correct/horse+battery" };

async function start(): Promise<ObjectStore> {
  const directory = await mkdtemp(join(tmpdir(), "lazyimg-s3-"));
  const account = ["--access", credentials.accessKeyId, "--secret", credentials.secretAccessKey];
  const server = await serve(VERSITYGW, (port) => [
    ...account,
    "--port",
    `127.0.0.1:${port}`,
    "posix",
    directory,
  ]);
  const { endpoint } = server;
  const readerOptions = { s3: { endpoint, credentials } };
  const root = `s3://${BUCKET}`;
  const bucket = s3(root, { readerOptions });
  await bucket.fetch!(bucket.url, { method: "PUT" });
  const env = {
    AWS_ENDPOINT_URL: endpoint,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  };
  const store = await storeOn(server, { root, endpoint, readerOptions, env });
  const { close } = store;
  return Object.assign(store, {
    async close() {
      await close();
      await rm(directory, { recursive: true });
    },
  });
}

export const s3Store: StoreKind = {
  name: "S3",
  hasServer: runs(VERSITYGW, "--version"),
  heedsConditions: false,
  start,
  refuse: refuseInXml,
  isListing: (url) => url.includes("list-type=2"),
  codes: { busy: "SlowDown", ended: [400, "ExpiredToken"], forbidden: "AccessDenied", missing: "NoSuchKey" },
  transport: "@lazyimg/transport-s3",
};
