import { isLazyImageError, LazyImageError } from "@lazyimg/core";
import { isForbidden, refusalBehind } from "./refusal.js";
import type { PutOptions, RemoteOptions, RemoteWriter } from "./remote-writer.js";
import { type Sender, type Sending, type Sent, senderOf } from "./send.js";
import type { Signature } from "./signing.js";
import type { TransportRequest } from "./transport.js";

/** How long clearing away may take after a failure, in milliseconds. */
const CLEARING = 20_000;

/** Where a writer of a store writes, and who makes the requests. */
export interface Place<Address, Service = string> {
  readonly address: Address;
  /** The http(s) URL of the service, without a slash at its end, or what makes it. */
  readonly service: Service;
  readonly fetch: typeof fetch;
  readonly request: TransportRequest;
}

/** Names of objects, and what the next ones are asked for with. */
export interface Page {
  readonly names: readonly string[];
  readonly next: string | undefined;
}

/** How a store writes objects. Names are whole, with what the writer's URL names. */
export interface Dialect {
  /** The beginning of its URLs, such as `s3://bucket/`. */
  readonly root: string;
  readonly refusals: Pick<Signature<never>, "refusalOf" | "refused">;
  urlOf(name: string): string;
  /** Where an object is removed, if that is not its URL. */
  readonly urlToDelete?: (name: string) => string;
  /** The request that writes an object in one go; `ifAbsent`, only where there is none. */
  putting(name: string, ifAbsent: boolean): Pick<Sending, "method" | "url" | "headers">;
  /** The store's code for an object that is there, besides the status 412. */
  readonly existing?: string;
  /** The URL that lists names with a beginning. */
  listing(prefix: string, next: string | undefined): string;
  pageOf(text: string): Page;
  readonly conflicts?: readonly number[];
  readonly answers?: readonly number[];
}

/** What all stores do alike, and what their uploads are made with. Keys are beneath what the writer's URL names. */
export interface Objects {
  readonly writer: Omit<RemoteWriter, "upload">;
  readonly send: Sender;
  nameOf(key: string): string;
  urlOf(key: string): string;
  /** Sends what makes an object, with the store's words for one that is there turned into `ERR_EXISTS`. */
  make(key: string, sending: Sending): Promise<Sent>;
  /** @throws LazyImageError `ERR_EXISTS` where there surely is an object, though there may be none */
  checkAbsent(key: string, options: PutOptions): Promise<void>;
  /** Whether an object has just this size: then the attempt to write it, whose answer was lost, has done it. */
  hasSize(key: string, size: number, signal: AbortSignal | undefined): Promise<boolean>;
  /** Gives up an upload. Whatever comes of that: the error before it is the one to tell. */
  abandon(upload: string): Promise<void>;
}

/** The condition that there is no object, as a header. */
export const ifNone = (ifAbsent: boolean | undefined): Record<string, string> =>
  ifAbsent === true ? { "if-none-match": "*" } : {};

/** The text of an answer. */
export const textIn = ({ body }: Sent): string => new TextDecoder().decode(body);

const isSame = (found: Uint8Array | undefined, bytes: Uint8Array): boolean =>
  found?.length === bytes.length && found.every((byte, at) => byte === bytes[at]);

/** Gives `undefined` for what is not there. */
async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isLazyImageError(error, "ERR_NOT_FOUND")) return undefined;
    throw error;
  }
}

/** The objects of a store, beneath what a URL names. */
export function objectsOf(
  { address, fetch, request }: Pick<Place<{ readonly key: string }>, "address" | "fetch" | "request">,
  dialect: Dialect,
): Objects {
  const { root, refusals, conflicts = [], answers = [] } = dialect;
  const folder = address.key.replace(/\/+$/, "");
  const prefix = folder === "" ? "" : `${folder}/`;
  const nameOf = (key: string): string => [folder, key].filter((part) => part !== "").join("/");
  const urlOf = (key: string): string => dialect.urlOf(nameOf(key));
  const send = senderOf({
    fetch,
    request,
    // A fetch of the caller's answers for credentials.
    refused: async (url, response) =>
      refusals.refused(url, response, await refusals.refusalOf(response), true),
    conflicts,
    answers,
  });

  const exists = (key: string, cause?: unknown): LazyImageError =>
    new LazyImageError(
      "ERR_EXISTS",
      `${root}${nameOf(key)} exists; remove it, or replace it with the option force`,
      { cause },
    );

  async function make(key: string, sending: Sending): Promise<Sent> {
    try {
      return await send(sending);
    } catch (error) {
      const { status, code } = refusalBehind(error) ?? {};
      if (status === 412 || (code !== undefined && code === dialect.existing)) throw exists(key, error);
      throw error;
    }
  }

  const head = (key: string, signal: AbortSignal | undefined): Promise<Sent> =>
    send({ method: "HEAD", url: urlOf(key), signal });

  const get = async (key: string, { signal }: RemoteOptions = {}): Promise<Uint8Array | undefined> =>
    (await unlessMissing(send({ method: "GET", url: urlOf(key), signal })))?.body;

  return {
    send,
    nameOf,
    urlOf,
    make,
    async checkAbsent(key, { signal, ifAbsent }) {
      if (ifAbsent !== true) return;
      const found = await unlessMissing(head(key, signal)).catch((error: unknown) => {
        // Nobody tells those who may not list that there is none.
        if (!isForbidden(error)) throw error;
      });
      if (found !== undefined) throw exists(key);
    },
    hasSize: async (key, size, signal) =>
      (await head(key, signal)).headers.get("content-length") === String(size),
    async abandon(url) {
      const signal = AbortSignal.timeout(CLEARING);
      await send({ method: "DELETE", url, signal }).catch(() => {});
    },
    writer: {
      name: root + folder,
      get,
      async put(key, body, { signal, ifAbsent = false } = {}) {
        const done = async () => isSame(await get(key, { signal }), body);
        await make(key, { ...dialect.putting(nameOf(key), ifAbsent), body, signal, done });
      },
      async delete(key, { signal } = {}) {
        const url = (dialect.urlToDelete ?? dialect.urlOf)(nameOf(key));
        await unlessMissing(send({ method: "DELETE", url, signal }));
      },
      async *list({ signal } = {}) {
        let next: string | undefined;
        do {
          const url = dialect.listing(encodeURIComponent(prefix), next && encodeURIComponent(next));
          const page = dialect.pageOf(textIn(await send({ method: "GET", url, signal })));
          yield page.names.map((name) => name.slice(prefix.length));
          next = page.next;
        } while (next);
      },
    },
  };
}
