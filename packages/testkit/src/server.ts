import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import type { Counter } from "./counter.js";
import { gate } from "./gate.js";

/** A way to answer that a client must cope with. */
export type Fault =
  /** 200 and the whole file, whatever range was asked for. */
  | { readonly kind: "ignore-range" }
  /** Well-formed, but with no more than `bytes` bytes of the range, and a Content-Range that says so. */
  | { readonly kind: "short"; readonly bytes: number }
  /** The headers promise everything; the connection ends in good order after `bytes` bytes of the body. */
  | { readonly kind: "truncate"; readonly bytes: number }
  /** The connection is reset after `bytes` bytes of the body; 0 resets it before the headers. */
  | { readonly kind: "reset"; readonly bytes: number }
  /** The body comes in pieces of `bytes` bytes, one every `everyMs` milliseconds. */
  | { readonly kind: "drip"; readonly bytes: number; readonly everyMs: number }
  /** Nothing is ever answered. */
  | { readonly kind: "hang" }
  /** Every answer has another ETag and Last-Modified, as if the file had been replaced in between. */
  | { readonly kind: "change" }
  /** An error status, with `Retry-After` in seconds where given. */
  | { readonly kind: "status"; readonly status: number; readonly retryAfter?: number | string }
  /** 416, as if the file were empty. */
  | { readonly kind: "unsatisfiable" }
  /** The body is gzipped on the way: `Content-Encoding: gzip`, and of a range the range. */
  | { readonly kind: "gzip" }
  /** 206 whose Content-Range, or lack of one, does not fit what was asked for. */
  | { readonly kind: "content-range"; readonly value: string | null }
  /** 206 with the bytes that lie `by` further on, under the Content-Range of what was asked for. */
  | { readonly kind: "shift"; readonly by: number }
  /** Redirects to the same file under another name. */
  | { readonly kind: "redirect"; readonly to: string };

/** One request that was served, or not. */
export interface LoggedRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  /** The Range header. */
  readonly range: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** The fault that it met. */
  readonly fault: Fault["kind"] | undefined;
  /** Status that was sent; 0 when none was. */
  readonly status: number;
  /** Bytes of body handed to the connection. */
  readonly bytes: number;
  /** Whether the client went away before the end. */
  readonly aborted: boolean;
}

/**
 * A real HTTP server on the loopback interface that misbehaves on demand, and counts what it serves: preflights aside, and
 * bytes of bodies as they are handed to the connection.
 */
export interface MisbehavingServer extends Counter {
  /** `http://127.0.0.1:PORT/` */
  readonly url: string;
  /** Every request since the beginning or the last `reset()`, preflights aside. */
  readonly log: readonly LoggedRequest[];
  /** Most requests that were being served at once. */
  readonly most: number;
  /** Answers GET requests with this fault: all, or `times` of them after the first `skip`. Replaces an earlier one. */
  misbehave(fault: Fault, options?: { readonly times?: number; readonly skip?: number }): void;
  /** Answers properly from now on. */
  behave(): void;
  /** Replaces or adds a file; its ETag changes. */
  put(name: string, bytes: Uint8Array): void;
  /** Drops every connection and stops. */
  close(): Promise<void>;
}

interface Entry {
  fault: Fault["kind"] | undefined;
  status: number;
  bytes: number;
  aborted: boolean;
  method: string;
  url: string;
  range: string | undefined;
  headers: IncomingMessage["headers"];
}

const CORS = {
  "access-control-allow-origin": "*",
  "access-control-allow-headers": "*, authorization, range, if-range",
  "access-control-allow-methods": "GET, HEAD, OPTIONS",
  "access-control-expose-headers": "*, content-range, content-encoding, etag, last-modified, retry-after",
};

/** First and last position of a Range header in a file of `size` bytes; `null` where it cannot be satisfied. */
function parseRange(header: string, size: number): [first: number, last: number] | null | undefined {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(header) ?? [];
  if (from === undefined || to === undefined || from + to === "") return undefined;
  const first = from === "" ? Math.max(0, size - Number(to)) : Number(from);
  const last = from === "" || to === "" ? size - 1 : Math.min(Number(to), size - 1);
  return first > last || first >= size ? null : [first, last];
}

/**
 * Serves `files` by name with ranges (RFC 9110, section 14), ETags, HEAD and CORS. Node only.
 *
 * @param files by path below the root: `{ "scan.nii": bytes }`
 */
export async function misbehavingServer(
  files: Readonly<Record<string, Uint8Array>>,
): Promise<MisbehavingServer> {
  const stored = new Map<string, { bytes: Uint8Array; version: number }>();
  const sockets = new Set<Socket>();
  let versions = 0;
  let log: Entry[] = [];
  let serving = 0;
  let most = 0;
  const { hold, pass } = gate();
  let current: { fault: Fault; skip: number; times: number } | undefined;

  const put = (name: string, bytes: Uint8Array): void => {
    stored.set(name, { bytes, version: ++versions });
  };
  for (const [name, bytes] of Object.entries(files)) put(name, bytes);

  /** The fault that this request meets, if any. */
  const next = (): Fault | undefined => {
    if (current === undefined) return undefined;
    if (current.skip > 0) {
      current.skip--;
      return undefined;
    }
    if (current.times <= 0) return undefined;
    current.times--;
    return current.fault;
  };

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const method = request.method ?? "GET";
    if (method === "OPTIONS") {
      response.writeHead(204, { ...CORS, "access-control-max-age": "60" }).end();
      return;
    }
    const url = request.url ?? "/";
    const { headers } = request;
    const fault = method === "GET" ? next() : undefined;
    const entry: Entry = {
      ...{ method, url, headers, range: headers.range, fault: fault?.kind },
      ...{ status: 0, bytes: 0, aborted: false },
    };
    log.push(entry);
    most = Math.max(most, ++serving);
    const left = new AbortController();
    response.once("close", () => {
      serving--;
      left.abort();
      const cut = fault?.kind === "reset" || fault?.kind === "truncate";
      entry.aborted = !response.writableFinished && !cut;
    });

    await pass(left.signal);
    const head = (status: number, more: Record<string, string | number>): void => {
      entry.status = status;
      response.writeHead(status, { ...CORS, "accept-ranges": "bytes", ...more });
    };
    const fail = (status: number, more: Record<string, string | number> = {}): void => {
      head(status, { "content-length": 0, ...more });
      response.end();
    };

    if (fault?.kind === "hang") return;
    if (fault?.kind === "reset" && fault.bytes === 0) {
      request.socket.resetAndDestroy();
      return;
    }
    if (fault?.kind === "status") {
      fail(fault.status, fault.retryAfter === undefined ? {} : { "retry-after": String(fault.retryAfter) });
      return;
    }
    if (fault?.kind === "redirect") {
      fail(302, { location: fault.to });
      return;
    }
    const file = stored.get(decodeURIComponent(new URL(url, "http://host").pathname.slice(1)));
    if (method !== "GET" && method !== "HEAD") return fail(405, { allow: "GET, HEAD, OPTIONS" });
    if (file === undefined) return fail(404);

    const { bytes } = file;
    const version = fault?.kind === "change" ? ++versions : file.version;
    const validators = {
      etag: `"v${version}"`,
      "last-modified": new Date(Date.UTC(2020, 0, 1) + version * 60_000).toUTCString(),
      "content-type": "application/octet-stream",
    };
    if (fault?.kind === "unsatisfiable") return fail(416, { "content-range": "bytes */0" });

    const ifRange = headers["if-range"];
    const fresh =
      ifRange === undefined || ifRange === validators.etag || ifRange === validators["last-modified"];
    const ranged = headers.range !== undefined && fresh && fault?.kind !== "ignore-range";
    const range = ranged ? parseRange(headers.range!, bytes.length) : undefined;
    if (range === null) return fail(416, { ...validators, "content-range": `bytes */${bytes.length}` });

    let [first, last] = range ?? [0, bytes.length - 1];
    if (fault?.kind === "short") last = Math.min(last, first + fault.bytes - 1);
    const answer: Record<string, string | number> = { ...validators };
    if (range) answer["content-range"] = `bytes ${first}-${last}/${bytes.length}`;
    if (range && fault?.kind === "content-range") {
      if (fault.value === null) delete answer["content-range"];
      else answer["content-range"] = fault.value;
    }
    if (fault?.kind === "shift") {
      first += fault.by;
      last += fault.by;
    }
    let body = bytes.subarray(first, last + 1);
    if (fault?.kind === "gzip") {
      body = gzipSync(body);
      answer["content-encoding"] = "gzip";
    }
    head(range ? 206 : 200, { ...answer, "content-length": body.length });
    if (method === "HEAD") {
      response.end();
      return;
    }
    await send(response, entry, body, fault);
  }

  const server: Server = createServer((request, response) => {
    serve(request, response).catch(() => request.socket.destroy());
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}/`,
    get log() {
      return log;
    },
    get requests() {
      return log.length;
    },
    get bytes() {
      return log.reduce((sum, entry) => sum + entry.bytes, 0);
    },
    get most() {
      return most;
    },
    size: async () => [...stored.values()].reduce((sum, { bytes }) => sum + bytes.length, 0),
    hold,
    misbehave(fault, { times = Number.POSITIVE_INFINITY, skip = 0 } = {}) {
      current = { fault, times, skip };
    },
    behave() {
      current = undefined;
    },
    reset() {
      log = [];
      most = serving;
    },
    put,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

/** Pieces of a body that is sent properly: small enough that a client that leaves early has not been sent everything. */
const PIECE = 65_536;

async function send(
  response: ServerResponse,
  entry: Entry,
  body: Uint8Array,
  fault: Fault | undefined,
): Promise<void> {
  const piece = fault?.kind === "drip" ? fault.bytes : PIECE;
  const cut = fault?.kind === "truncate" || fault?.kind === "reset" ? fault.bytes : body.length;
  for (let at = 0; at < Math.min(cut, body.length); at += piece) {
    if (fault?.kind === "drip" && at > 0) await sleep(fault.everyMs);
    if (response.destroyed) return;
    const part = body.subarray(at, Math.min(at + piece, cut, body.length));
    entry.bytes += part.length;
    await new Promise<void>((resolve) => {
      response.once("close", resolve);
      response.write(part, () => {
        response.off("close", resolve);
        resolve();
      });
    });
  }
  if (cut >= body.length) response.end();
  else if (fault?.kind === "reset") response.socket?.resetAndDestroy();
  else response.socket?.end();
}
