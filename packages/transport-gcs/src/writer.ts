import {
  objectsOf,
  type Place,
  type PutOptions,
  partsOf,
  type RemoteWriter,
  type UploadOptions,
} from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";
import { type Address, urlOf as urlAt } from "./address.js";
import { refusalOf, refused } from "./refusal.js";

/** Bytes that are sent at once; Google wants multiples of 256 KiB. */
const PART = 16 << 20;

/** A listing, in JSON. */
interface Listing {
  readonly items?: readonly { readonly name: string }[];
  readonly nextPageToken?: string;
}

/** Writes to Google Cloud Storage: objects in one request, or by resumable uploads. */
export function gcsWriter(place: Place<Address>): RemoteWriter {
  const { service, address } = place;
  const { bucket } = address;
  const objectsUrl = `/storage/v1/b/${bucket}/o`;

  function uploadUrl(name: string, type: "media" | "resumable", ifAbsent: boolean | undefined): string {
    const query = [`uploadType=${type}`, `name=${encodeURIComponent(name)}`];
    if (ifAbsent === true) query.push("ifGenerationMatch=0");
    return `${service}/upload${objectsUrl}?${query.join("&")}`;
  }

  const objects = objectsOf(place, {
    root: `gs://${bucket}/`,
    refusals: { refusalOf, refused },
    urlOf: (key) => urlAt(service, { bucket, key }),
    urlToDelete: (name) => `${service}${objectsUrl}/${encodeURIComponent(name)}`,
    putting: (name, ifAbsent) => ({
      method: "POST",
      url: uploadUrl(name, "media", ifAbsent),
      headers: { "content-type": "application/octet-stream" },
    }),
    listing(prefix, next) {
      const query = [`prefix=${prefix}`, "fields=items(name),nextPageToken"];
      if (next !== undefined) query.push(`pageToken=${next}`);
      return `${service}${objectsUrl}?${query.join("&")}`;
    },
    pageOf(text) {
      const { items = [], nextPageToken }: Listing = JSON.parse(text);
      return { names: items.map(({ name }) => name), next: nextPageToken };
    },
    // What a session answers that wants more.
    answers: [308],
  });
  const { writer, make, nameOf, urlOf } = objects;

  /** Begins a session, and gives its URL. */
  async function begin(key: string, { signal, ifAbsent }: PutOptions): Promise<string> {
    const url = uploadUrl(nameOf(key), "resumable", ifAbsent);
    const headers = { "x-upload-content-type": "application/octet-stream" };
    const sent = await make(key, { method: "POST", url, headers, signal });
    const session = sent.headers.get("location");
    if (session !== null) return session;
    throw new LazyImageError(
      "ERR_HTTP",
      `${urlOf(key)}: the answer to a resumable upload has no Location; in a page, the bucket's CORS rule must expose it`,
    );
  }

  /** Sends bytes of an object from `start` on; `total` where they are the last. Google may take a part of them only. */
  async function sendRange(
    key: string,
    session: string,
    bytes: Uint8Array,
    start: number,
    total: number | undefined,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    for (let at = 0; ; ) {
      const body = bytes.subarray(at);
      const range = body.length === 0 ? "*" : `${start + at}-${start + bytes.length - 1}`;
      const headers = { "content-range": `bytes ${range}/${total ?? "*"}` };
      const done = total === undefined ? undefined : () => objects.hasSize(key, total, signal);
      const sent = await make(key, { method: "PUT", url: session, body, headers, signal, done });
      if (sent.status !== 308) return;
      const [, last] = /^bytes=0-(\d+)$/.exec(sent.headers.get("range") ?? "") ?? [];
      const taken = last === undefined ? 0 : Number(last) + 1;
      if (taken === start + bytes.length && total === undefined) return;
      if (taken <= start + at || taken > start + bytes.length) {
        throw new LazyImageError(
          "ERR_HTTP",
          `${urlOf(key)}: of the bytes from ${start + at} to ${start + bytes.length} the store has ${taken}; write it anew`,
        );
      }
      at = taken - start;
    }
  }

  async function upload(
    key: string,
    pieces: AsyncIterable<Uint8Array>,
    { signal, ifAbsent }: UploadOptions = {},
  ): Promise<void> {
    const parts = partsOf(pieces, PART);
    let part = await parts.next();
    let next = part.done === true ? part : await parts.next();
    if (next.done === true) return writer.put(key, part.value ?? new Uint8Array(0), { signal, ifAbsent });
    const session = await begin(key, { signal, ifAbsent });
    try {
      for (let start = 0; part.done !== true; ) {
        const end = start + part.value.length;
        await sendRange(key, session, part.value, start, next.done === true ? end : undefined, signal);
        start = end;
        part = next;
        next = next.done === true ? next : await parts.next();
      }
    } catch (error) {
      // An ended session answers 499.
      await objects.abandon(session);
      throw error;
    } finally {
      await parts.return(undefined);
    }
  }

  return { ...writer, upload };
}
