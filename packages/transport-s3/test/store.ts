import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { s3 } from "@lazyimg/transport-s3/transport";

/** An S3 server that checks signatures; without it these tests are left out. */
const VERSITYGW = process.env.VERSITYGW ?? "versitygw";

export const hasServer: boolean = (() => {
  try {
    execFileSync(VERSITYGW, ["--version"], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
})();

export const BUCKET = "scans";
export const credentials = { accessKeyId: "AKIALAZYIMG", secretAccessKey: "correct/horse+battery" };

/** Answers in the store's stead. @returns whether it did */
export type Instead = (request: IncomingMessage, response: ServerResponse) => boolean;

/** An S3 server on loopback, behind a proxy that counts and may interfere. */
export interface ObjectStore {
  readonly endpoint: string;
  /** Every request since the last look, as "GET /bucket/key". */
  log(): string[];
  /** How requests are met from now on, by default by the store. */
  instead: Instead;
  put(key: string, body: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** A refusal as S3 has it. */
export function refuse(response: ServerResponse, status: number, code: string, headers = {}): true {
  response.writeHead(status, { "content-type": "application/xml", ...headers });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>So it is.</Message></Error>`);
  return true;
}

async function listen(server: Server, port = 0): Promise<number> {
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A port that is free now. */
async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

async function start(directory: string, port: number): Promise<ChildProcess> {
  const { accessKeyId, secretAccessKey } = credentials;
  const account = ["--access", accessKeyId, "--secret", secretAccessKey];
  const server = spawn(VERSITYGW, [...account, "--port", `127.0.0.1:${port}`, "posix", directory], {
    stdio: "ignore",
  });
  for (;;) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (answered) return server;
    if (server.exitCode !== null) throw new Error(`${VERSITYGW} ended with ${server.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export async function objectStore(): Promise<ObjectStore> {
  const directory = await mkdtemp(join(tmpdir(), "lazyimg-s3-"));
  const port = await freePort();
  const server = await start(directory, port);
  let requests: string[] = [];
  const proxy = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (store.instead(request, response)) return;
    const { method, url, headers } = request;
    // With the host that was signed.
    const onward = httpRequest({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  const endpoint = `http://127.0.0.1:${await listen(proxy)}`;

  async function put(url: string, body?: Uint8Array): Promise<void> {
    const remote = s3(url, { readerOptions: { s3: { endpoint, credentials } } });
    const response = await remote.fetch!(remote.url, {
      method: "PUT",
      body: body === undefined ? null : new Uint8Array(body),
    });
    if (!response.ok) throw new Error(`${url}: ${response.status} ${await response.text()}`);
    requests = [];
  }

  const store: ObjectStore = {
    endpoint,
    log() {
      const seen = requests;
      requests = [];
      return seen;
    },
    instead: () => false,
    put: (key, body) => put(`s3://${BUCKET}/${key}`, body),
    async close() {
      proxy.closeAllConnections();
      proxy.close();
      server.kill();
      await new Promise((resolve) => server.once("exit", resolve));
      await rm(directory, { recursive: true });
    },
  };
  await put(`s3://${BUCKET}`);
  return store;
}
