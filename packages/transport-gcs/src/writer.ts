import {
  isSame,
  keysOf,
  objectsBy,
  type Place,
  type PutOptions,
  partsOf,
  type RemoteOptions,
  type RemoteWriter,
  refusalBehind,
  type Sending,
  type Sent,
  senderOf,
  type UploadOptions,
} from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";
import { type Address, urlOf } from "./address.js";
import { refusalOf, refused } from "./refusal.js";

/** Bytes that are sent at once; Google wants multiples of 256 KiB. */
const PART = 16 << 20;
/** How long clearing away may take after a failure, in milliseconds. */
const CLEARING = 20_000;

/** Of a listing, in JSON. */
interface Page {
  readonly items?: readonly { readonly name: string }[];
  readonly nextPageToken?: string;
}

/** Writes to Google Cloud Storage: objects in one request, or by resumable uploads. */
export function gcsWriter({ address, service, fetch, request }: Place<Address>): RemoteWriter {
  const { bucket } = address;
  const keys = keysOf(address.key);
  const objectUrl = (key: string): string => urlOf(service, { bucket, key: keys.of(key) });
  const metadataUrl = (key: string): string =>
    `${service}/storage/v1/b/${bucket}/o/${encodeURIComponent(keys.of(key))}`;
  const send = senderOf({
    fetch,
    request,
    // A fetch of the caller's answers for credentials.
    refused: async (url, response) => refused(url, response, await refusalOf(response), true),
    // What a session answers that wants more.
    answers: [308],
  });

  const objects = objectsBy(send, objectUrl, metadataUrl);

  function uploadUrl(key: string, type: "media" | "resumable", ifAbsent: boolean | undefined): string {
    const query = [`uploadType=${type}`, `name=${encodeURIComponent(keys.of(key))}`];
    if (ifAbsent === true) query.push("ifGenerationMatch=0");
    return `${service}/upload/storage/v1/b/${bucket}/o?${query.join("&")}`;
  }

  /** Sends what makes an object, with Google's words for one that is there turned into ours. */
  async function make(key: string, sending: Sending): Promise<Sent> {
    try {
      return await send(sending);
    } catch (error) {
      if (refusalBehind(error)?.status !== 412) throw error;
      throw new LazyImageError(
        "ERR_EXISTS",
        `gs://${bucket}/${keys.of(key)} exists; remove it, or replace it with the option force`,
        { cause: error },
      );
    }
  }

  async function put(key: string, body: Uint8Array, { signal, ifAbsent }: PutOptions = {}): Promise<void> {
    const headers = { "content-type": "application/octet-stream" };
    const done = async () => isSame(await objects.get(key, { signal }), body);
    await make(key, { method: "POST", url: uploadUrl(key, "media", ifAbsent), body, headers, signal, done });
  }

  async function sizeOf(key: string, signal: AbortSignal | undefined): Promise<number> {
    const { headers } = await send({ method: "HEAD", url: objectUrl(key), signal });
    return Number(headers.get("content-length"));
  }

  /** Begins a session, and gives its URL. */
  async function begin(key: string, { signal, ifAbsent }: PutOptions): Promise<string> {
    const url = uploadUrl(key, "resumable", ifAbsent);
    const headers = { "x-upload-content-type": "application/octet-stream" };
    const sent = await make(key, { method: "POST", url, headers, signal });
    const session = sent.headers.get("location");
    if (session !== null) return session;
    throw new LazyImageError(
      "ERR_HTTP",
      `${objectUrl(key)}: the answer to a resumable upload has no Location; in a page, the bucket's CORS rule must expose it`,
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
      const isThere = async (): Promise<boolean> => (await sizeOf(key, signal)) === total;
      const done = total === undefined ? undefined : isThere;
      const sent = await make(key, { method: "PUT", url: session, body, headers, signal, done });
      if (sent.status !== 308) return;
      const [, last] = /^bytes=0-(\d+)$/.exec(sent.headers.get("range") ?? "") ?? [];
      const taken = last === undefined ? 0 : Number(last) + 1;
      if (taken === start + bytes.length && total === undefined) return;
      if (taken <= start + at || taken > start + bytes.length) {
        throw new LazyImageError(
          "ERR_HTTP",
          `${objectUrl(key)}: of the bytes from ${start + at} to ${start + bytes.length} the store has ${taken}; write it anew`,
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
    if (next.done === true) return put(key, part.value ?? new Uint8Array(0), { signal, ifAbsent });
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
      // The first error is the one to tell; an ended session answers 499.
      const clearing = AbortSignal.timeout(CLEARING);
      await send({ method: "DELETE", url: session, signal: clearing }).catch(() => {});
      throw error;
    } finally {
      await parts.return(undefined);
    }
  }

  async function* list({ signal }: RemoteOptions = {}): AsyncGenerator<readonly string[]> {
    const { prefix } = keys;
    let token: string | undefined;
    do {
      const query = [`prefix=${encodeURIComponent(prefix)}`, "fields=items(name),nextPageToken"];
      if (token !== undefined) query.push(`pageToken=${encodeURIComponent(token)}`);
      const url = `${service}/storage/v1/b/${bucket}/o?${query.join("&")}`;
      const page: Page = JSON.parse(
        new TextDecoder().decode((await send({ method: "GET", url, signal })).body),
      );
      yield (page.items ?? []).map(({ name }) => name.slice(prefix.length));
      token = page.nextPageToken;
    } while (token);
  }

  return {
    name: `gs://${bucket}/${keys.root}`,
    ...objects,
    put,
    upload,
    list,
  };
}
