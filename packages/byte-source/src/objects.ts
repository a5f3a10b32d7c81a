import { isLazyImageError } from "@lazyimg/core";
import type { RemoteWriter } from "./remote-writer.js";
import type { Sender } from "./send.js";
import type { TransportRequest } from "./transport.js";

/** Where a writer of a store writes, and who makes the requests. */
export interface Place<Address> {
  readonly address: Address;
  /** The http(s) URL of the service, without a slash at its end. */
  readonly service: string;
  readonly fetch: typeof fetch;
  readonly request: TransportRequest;
}

/** The keys of what a URL names and of what is beneath it. */
export interface Keys {
  /** Of the URL itself, without slashes at its end. */
  readonly root: string;
  /** What all keys beneath it begin with. */
  readonly prefix: string;
  of(key: string): string;
}

export function keysOf(key: string): Keys {
  const root = key.replace(/\/+$/, "");
  return {
    root,
    prefix: root === "" ? "" : `${root}/`,
    of: (beneath) => [root, beneath].filter((part) => part !== "").join("/"),
  };
}

/** Whether an object holds just these bytes: then the attempt to write them, whose answer was lost, has done it. */
export const isSame = (found: Uint8Array | undefined, bytes: Uint8Array): boolean =>
  found?.length === bytes.length && found.every((byte, at) => byte === bytes[at]);

/** Reading objects and removing them, as all stores do: what is not there is no failure. */
export function objectsBy(
  send: Sender,
  urlOf: (key: string) => string,
  urlToDelete: (key: string) => string = urlOf,
): Pick<RemoteWriter, "get" | "delete"> {
  async function unlessMissing<T>(work: Promise<T>): Promise<T | undefined> {
    try {
      return await work;
    } catch (error) {
      if (isLazyImageError(error, "ERR_NOT_FOUND")) return undefined;
      throw error;
    }
  }
  return {
    get: async (key, { signal } = {}) =>
      (await unlessMissing(send({ method: "GET", url: urlOf(key), signal })))?.body,
    async delete(key, { signal } = {}) {
      await unlessMissing(send({ method: "DELETE", url: urlToDelete(key), signal }));
    },
  };
}
