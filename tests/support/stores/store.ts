import type { ServerResponse } from "node:http";
import type { Instead, StoreProxy } from "./proxy.js";

/** A store on loopback, behind a proxy. */
export interface ObjectStore extends Pick<StoreProxy, "log"> {
  /** Such as `s3://scans`: a bucket that is there. */
  readonly root: string;
  readonly endpoint: string;
  /** With credentials that may do everything. */
  readonly readerOptions: Readonly<Record<string, unknown>>;
  /** By these variables a process of its own finds it. */
  readonly env: Readonly<Record<string, string>>;
  instead: Instead;
  loses: StoreProxy["loses"];
  put(key: string, body: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** What the tests know of a kind of store. */
export interface StoreKind {
  readonly name: string;
  /** Without its server, what needs it is left out. */
  readonly hasServer: boolean;
  start(): Promise<ObjectStore>;
  /** A refusal as this store has it. */
  refuse(response: ServerResponse, status: number, code: string, headers?: Record<string, string>): true;
  /** Whether a request's target asks for a listing. */
  isListing(url: string): boolean;
  /** The codes of being asked too often, of a signature that has ended, and of what may not be done. */
  readonly codes: {
    readonly busy: string;
    readonly ended: [status: number, code: string];
    readonly forbidden: string;
  };
  /** The package to install. */
  readonly transport: string;
}

/** What all stores behind a proxy do alike. */
export function behind(
  proxy: StoreProxy,
  own: Pick<ObjectStore, "root" | "endpoint" | "readerOptions" | "env"> & {
    put(key: string, body: Uint8Array): Promise<void>;
    stop(): Promise<void>;
  },
): ObjectStore {
  const { root, endpoint, readerOptions, env } = own;
  return {
    root,
    endpoint,
    readerOptions,
    env,
    log: proxy.log,
    get instead() {
      return proxy.instead;
    },
    set instead(instead) {
      proxy.instead = instead;
    },
    get loses() {
      return proxy.loses;
    },
    set loses(loses) {
      proxy.loses = loses;
    },
    async put(key, body) {
      await own.put(key, body);
      proxy.log();
    },
    async close() {
      proxy.close();
      await own.stop();
    },
  };
}

/** A refusal in XML, as S3 and Azure have it. */
export function refuseInXml(
  response: ServerResponse,
  status: number,
  code: string,
  headers: Record<string, string> = {},
): true {
  response.writeHead(status, { "content-type": "application/xml", ...headers });
  response.end(`<?xml version="1.0"?><Error><Code>${code}</Code><Message>So it is.</Message></Error>`);
  return true;
}
