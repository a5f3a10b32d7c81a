import { randomBytes, timingSafeEqual } from "node:crypto";
import { closeSync, openSync, readSync, realpathSync, statSync } from "node:fs";
import { realpath } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, dirname, join, sep } from "node:path";
import send from "send";
import { sendRanges } from "./multi-range.js";

/** What is served for the viewer, and for how long a client may take. */
export interface ViewServerOptions {
  /** Folder of the viewer's page. */
  readonly page: string;
  /** Paths of files, or of `.zarr` folders. */
  readonly sources: readonly string[];
  /** Other origins that the page may read from. */
  readonly origins?: readonly string[];
  /** By origin, what the page sends with each request to it: `headers.json` beside the page. */
  readonly headers?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  /** Scripts that register backends: listed by `plugins.json` beside the page. */
  readonly plugins?: readonly Uint8Array[];
  /** By default one that is free. */
  readonly port?: number | undefined;
  /** Milliseconds in which a client must have sent its request's headers. */
  readonly patience?: number;
}

/** A server that is running. */
export interface ViewServer {
  /** Of the page, with its token: `http://127.0.0.1:PORT/TOKEN/`. */
  readonly url: string;
  /** URLs of the sources, relative to the page. */
  readonly sources: readonly string[];
  close(): Promise<void>;
}

/** A connection over which nothing passes for this long is let go, in milliseconds. */
const IDLE = 60_000;
const PATIENCE = 10_000;
const MOST_CONNECTIONS = 128;

/** A file that is not on the disk. */
interface Made {
  readonly type: string;
  readonly body: string | Uint8Array;
}

/** Something that may be read: a file with those that belong to it, or a folder with all that is in it. */
interface Source {
  readonly name: string;
  /** The real path of a file or folder below the source's URL; `null` where it is not to be had. */
  find(path: string): Promise<string | null>;
}

const inside = (folder: string, path: string): boolean => path.startsWith(folder + sep);

/** Of a header that is text, so many bytes are looked through for the names of data files. */
const TEXT_HEADER = 2 ** 16;

/** Names of the data files that a text header (MetaImage, NRRD, MRtrix) names. */
function dataFilesOf(path: string): string[] {
  if (!/\.(mhd|nhdr|mih)$/i.test(path)) return [];
  const file = openSync(path, "r");
  try {
    const bytes = Buffer.alloc(TEXT_HEADER);
    const text = bytes.toString("latin1", 0, readSync(file, bytes, 0, TEXT_HEADER, 0));
    const named = text.matchAll(
      /^(?:ElementDataFile\s*=|data ?file:|file:)[ \t]*([^\\/\r\n]+?)(?:[ \t]+\d+)?[ \t]*\r?$/gim,
    );
    return Array.from(named, ([, name]) => name!);
  } finally {
    closeSync(file);
  }
}

/** Names of the files that belong to one: its index, the other half of a pair, and what its header names. */
function companionsOf(name: string, path: string): string[] {
  const [, stem, half] = /^(.*)\.(hdr|img)(\.gz)?$/i.exec(name) ?? [];
  const other = half?.toLowerCase() === "hdr" ? "img" : "hdr";
  const pair = stem === undefined ? [] : [`${stem}.${other}`, `${stem}.${other}.gz`];
  return [name, ...pair, ...dataFilesOf(path)].flatMap((file) =>
    /\.gz$/i.test(file) ? [file, `${file}.gzidx`] : [file],
  );
}

function sourceAt(path: string): Source {
  const name = basename(path);
  const own = realpathSync(path);
  if (statSync(own).isDirectory()) {
    return {
      name,
      async find(below) {
        const [first, ...rest] = below.split("/");
        if (first !== name || rest.some((part) => part === ".." || part === "")) return null;
        const found = await realpath(join(own, ...rest));
        return inside(own, found) ? found : null;
      },
    };
  }
  const folder = realpathSync(dirname(path));
  const companions = companionsOf(name, own);
  return {
    name,
    async find(file) {
      if (file === name) return own;
      if (!companions.includes(file)) return null;
      const found = await realpath(join(folder, file));
      return inside(folder, found) ? found : null;
    },
  };
}

const isSame = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));

/**
 * Serves the viewer's page and some images to this machine's browsers: from the loopback interface, to who knows the token,
 * to pages of its own, and nothing but what was given. Single ranges are `send`'s (RFC 9110, section 14).
 *
 * @throws what the system throws where a source is not there, or the port is taken
 */
export async function viewServer(options: ViewServerOptions): Promise<ViewServer> {
  const { page, origins = [], plugins = [], port = 0, patience = PATIENCE } = options;
  const sources = options.sources.map(sourceAt);
  const token = randomBytes(18).toString("base64url");
  const headers = {
    "content-security-policy": [
      "default-src 'none'",
      // Decoders are WebAssembly.
      "script-src 'self' 'wasm-unsafe-eval'",
      "worker-src 'self'",
      "style-src 'self'",
      "img-src 'self' data:",
      // A decoder has its WebAssembly in a data: URL.
      `connect-src ${["'self'", "data:", ...origins].join(" ")}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
    ].join("; "),
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-store",
  };
  const json = (value: unknown): Made => ({ type: "application/json", body: JSON.stringify(value) });
  const made = new Map<string, Made>([
    ["headers.json", json(options.headers ?? {})],
    ["plugins.json", json(plugins.map((_, n) => `plugins/${n}.js`))],
    ...plugins.map((body, n) => [`plugins/${n}.js`, { type: "text/javascript", body }] as const),
  ]);
  let hosts: readonly string[] = [];

  const server = createServer(
    { requestTimeout: 3 * patience, headersTimeout: patience, connectionsCheckingInterval: patience },
    (request, response) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      answer(request, response).catch(() => refuse(response, 404, "There is no such file."));
    },
  );
  server.timeout = IDLE;
  server.maxConnections = MOST_CONNECTIONS;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, headers: sent, url = "" } = request;
    // Another name for this machine is another site's, whose pages would pass for ours (DNS rebinding).
    if (!hosts.includes(sent.host ?? "")) return refuse(response, 421, "Not the name of this server.");
    const site = sent["sec-fetch-site"];
    const isForeign =
      (sent.origin !== undefined && sent.origin !== `http://${sent.host}`) ||
      (site !== undefined && site !== "same-origin" && site !== "none");
    if (isForeign) return refuse(response, 403, "Other sites may not read this.");
    if (method !== "GET" && method !== "HEAD") {
      response.setHeader("allow", "GET, HEAD");
      return refuse(response, 405, "This server only reads.");
    }
    const [, given = "", ...rest] = url.replace(/[?#].*$/s, "").split("/");
    if (!isSame(given, token))
      return refuse(response, 403, "The address lacks its token: use the one that was printed.");
    const parts = rest.map(decodeURIComponent);
    // An encoded slash or a null byte is in no name.
    if (parts.some((part) => /[/\\\0]/.test(part))) return refuse(response, 404, "There is no such file.");
    const [first, number, ...below] = parts;
    const own = made.get(parts.join("/"));
    if (own !== undefined) {
      response.writeHead(200, { "content-type": own.type }).end(own.body);
      return;
    }
    if (first !== "data") {
      const index = parts.length === 1 && first === "" ? "index.html" : parts.join("/");
      return reply(request, response, page, index);
    }
    const found = (await sources[Number(number)]?.find(below.join("/"))) ?? null;
    if (found === null) return refuse(response, 404, "There is no such file.");
    if (!(await sendRanges(request, response, found)))
      reply(request, response, dirname(found), basename(found));
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const bound = (server.address() as AddressInfo).port;
  hosts = [`127.0.0.1:${bound}`, `localhost:${bound}`];
  return {
    url: `http://127.0.0.1:${bound}/${token}/`,
    sources: sources.map(({ name }, n) => `data/${n}/${encodeURIComponent(name)}`),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function reply(request: IncomingMessage, response: ServerResponse, root: string, path: string): void {
  // Zarr's metadata are dot files; folders have no pages.
  send(request, encodeURI(path).replace(/[?#]/g, encodeURIComponent), {
    root,
    dotfiles: "allow",
    index: false,
    cacheControl: false,
  })
    .on("error", ({ status }: { status?: number }) => {
      refuse(
        response,
        status ?? 500,
        status === 416 ? "The file ends before this range." : "There is no such file.",
      );
    })
    .on("directory", () => refuse(response, 404, "There is no such file."))
    .pipe(response);
}

function refuse(response: ServerResponse, status: number, text: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.writeHead(status, { "content-type": "text/plain; charset=utf-8" }).end(`${text}\n`);
}
