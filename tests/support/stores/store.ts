import type { ServerResponse } from "node:http";
import { remoteWriter } from "@lazyimg/byte-source/remote";
import type { StoreProxy } from "./proxy.js";
import type { ServerBehind } from "./server.js";

/** What the tests know of a bucket, or container. */
interface Bucket {
  /** Its URL, such as `s3://scans`. */
  readonly root: string;
  readonly endpoint: string;
  /** With credentials that may do everything. */
  readonly readerOptions: Readonly<Record<string, unknown>>;
  /** By these variables a process of its own finds it. */
  readonly env: Readonly<Record<string, string>>;
}

/** A store on loopback with an empty bucket, behind a proxy. */
export interface ObjectStore extends Bucket, Omit<StoreProxy, "port" | "close"> {
  put(key: string, body: Uint8Array): Promise<void>;
  close(): Promise<void>;
}

/** What the tests know of a kind of store. */
export interface StoreKind {
  readonly name: string;
  /** Without its server, what needs it is left out. */
  readonly hasServer: boolean;
  /** Whether its server heeds the condition that there is no object yet. */
  readonly heedsConditions: boolean;
  start(): Promise<ObjectStore>;
  /** A refusal as this store has it. */
  refuse(response: ServerResponse, status: number, code: string, headers?: Record<string, string>): true;
  /** Whether a request's target asks for a listing. */
  isListing(url: string): boolean;
  /** The codes of being asked too often, of a signature that has ended, of what may not be done and what is not there. */
  readonly codes: {
    readonly busy: string;
    readonly ended: [status: number, code: string];
    readonly forbidden: string;
    readonly missing: string;
  };
  /** The package to install. */
  readonly transport: string;
}

/** What all stores on loopback do alike. */
export async function storeOn({ proxy, stop }: ServerBehind, bucket: Bucket): Promise<ObjectStore> {
  const writer = (await remoteWriter(bucket.root, bucket))!;
  return Object.assign(proxy, bucket, {
    async put(key: string, body: Uint8Array) {
      await writer.put(key, body);
      proxy.log();
    },
    close: stop,
  });
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
