import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { remoteWriter } from "@lazyimg/byte-source/remote";
import { s3 } from "@lazyimg/transport-s3";
import { answering, freePort, proxyTo, runs } from "./proxy.js";
import { behind, type ObjectStore, refuseInXml, type StoreKind } from "./store.js";

/** An S3 server that checks signatures; without it these tests are left out. */
const VERSITYGW = process.env.VERSITYGW ?? "versitygw";

export const BUCKET = "scans";
export const credentials = { accessKeyId: "AKIALAZYIMG", secretAccessKey: "correct/horse+battery" };

async function start(): Promise<ObjectStore> {
  const directory = await mkdtemp(join(tmpdir(), "lazyimg-s3-"));
  const port = await freePort();
  const account = ["--access", credentials.accessKeyId, "--secret", credentials.secretAccessKey];
  const server = spawn(VERSITYGW, [...account, "--port", `127.0.0.1:${port}`, "posix", directory], {
    stdio: "ignore",
  });
  await answering(port, () => server.exitCode);
  const proxy = await proxyTo(port);
  const endpoint = `http://127.0.0.1:${proxy.port}`;
  const readerOptions = { s3: { endpoint, credentials } };
  const root = `s3://${BUCKET}`;
  const bucket = s3(root, { readerOptions });
  await bucket.fetch!(bucket.url, { method: "PUT" });
  const writer = (await remoteWriter(root, { readerOptions }))!;
  return behind(proxy, {
    root,
    endpoint,
    readerOptions,
    env: {
      AWS_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: credentials.accessKeyId,
      AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    },
    put: (key, body) => writer.put(key, body),
    async stop() {
      server.kill();
      await new Promise((resolve) => server.once("exit", resolve));
      await rm(directory, { recursive: true });
    },
  });
}

export const s3Store: StoreKind = {
  name: "S3",
  hasServer: runs(VERSITYGW, "--version"),
  start,
  refuse: refuseInXml,
  isListing: (url) => url.includes("list-type=2"),
  codes: { busy: "SlowDown", ended: [400, "ExpiredToken"], forbidden: "AccessDenied" },
  transport: "@lazyimg/transport-s3",
};
