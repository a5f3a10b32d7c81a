import type { TransportRequest } from "@lazyimg/byte-source";
import {
  isForbidden,
  isSame,
  keysOf,
  objectsBy,
  type PutOptions,
  partsOf,
  type RemoteOptions,
  type RemoteWriter,
  refusalBehind,
  type Sent,
  senderOf,
  sendParts,
  textOf,
  type UploadOptions,
  unescaped,
} from "@lazyimg/byte-source/remote";
import { isLazyImageError, LazyImageError } from "@lazyimg/core";
import { type Address, type Endpoint, urlOf } from "./address.js";
import { refusalIn, refusalOf, refused } from "./refusal.js";

/** Where objects are written, and who makes the requests. */
export interface S3Place {
  readonly address: Address;
  readonly endpoint: Endpoint;
  readonly fetch: typeof fetch;
  readonly request: TransportRequest;
}

/** Bytes of a part, at least; S3 wants 5 MiB, and 10,000 parts at most. */
const PART = 8 << 20;
const MOST_PARTS = 10_000;
/** Parts that are sent at a time. */
const AT_A_TIME = 4;
/** How long clearing away may take after a failure, in milliseconds. */
const CLEARING = 20_000;

const textIn = ({ body }: Sent): string => new TextDecoder().decode(body);

/** Writes to S3: objects in one request, or by multipart uploads. */
export function s3Writer({ address, endpoint, fetch, request }: S3Place): RemoteWriter {
  const { bucket } = address;
  const keys = keysOf(address.key);
  const objectUrl = (key: string): string => urlOf({ bucket, key: keys.of(key) }, endpoint);
  const send = senderOf({
    fetch,
    request,
    // A fetch of the caller's answers for credentials.
    refused: async (url, response) => refused(url, response, await refusalOf(response), true),
    // Two who write one object at a time.
    conflicts: [409],
  });

  const exists = (key: string): LazyImageError =>
    new LazyImageError(
      "ERR_EXISTS",
      `s3://${bucket}/${keys.of(key)} exists; remove it, or replace it with the option force`,
    );

  /** `work`, with the store's words for an object that is there turned into ours. */
  async function unlessThere(key: string, work: () => Promise<Sent>): Promise<Sent> {
    try {
      return await work();
    } catch (error) {
      throw refusalBehind(error)?.status === 412 ? exists(key) : error;
    }
  }

  const { get, delete: remove } = objectsBy(send, objectUrl);

  const condition = (ifAbsent: boolean | undefined): Record<string, string> =>
    ifAbsent === true ? { "if-none-match": "*" } : {};

  /** Not every store knows conditions: what is there already is looked for first. */
  async function checkAbsent(key: string, { signal, ifAbsent }: PutOptions): Promise<void> {
    if (ifAbsent !== true) return;
    const found = await send({ method: "HEAD", url: objectUrl(key), signal }).catch((error: unknown) => {
      // Nobody tells those who may not list that there is none.
      if (isForbidden(error) || isLazyImageError(error, "ERR_NOT_FOUND")) return undefined;
      throw error;
    });
    if (found !== undefined) throw exists(key);
  }

  async function put(key: string, body: Uint8Array, { signal, ifAbsent }: PutOptions = {}): Promise<void> {
    await checkAbsent(key, { signal, ifAbsent });
    const url = objectUrl(key);
    const headers = condition(ifAbsent);
    const done = async () => isSame(await get(key, { signal }), body);
    await unlessThere(key, () => send({ method: "PUT", url, body, headers, signal, done }));
  }

  /** Begins a multipart upload, and gives its identifier. */
  async function begin(url: string, signal: AbortSignal | undefined): Promise<string> {
    const sent = await send({ method: "POST", url: `${url}?uploads=`, signal });
    const id = textOf(textIn(sent), "UploadId");
    if (id !== undefined) return id;
    throw new LazyImageError(
      "ERR_HTTP",
      `${url}: the answer to a multipart upload has no UploadId; is this S3?`,
    );
  }

  /** Puts an upload of `size` bytes in its place. */
  async function complete(
    key: string,
    upload: string,
    tags: readonly string[],
    size: number,
    { signal, ifAbsent }: PutOptions,
  ): Promise<void> {
    const url = objectUrl(key);
    const parts = tags.map((tag, n) => `<Part><PartNumber>${n + 1}</PartNumber><ETag>${tag}</ETag></Part>`);
    const body = new TextEncoder().encode(
      `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join("")}</CompleteMultipartUpload>`,
    );
    const headers = { "content-type": "application/xml", ...condition(ifAbsent) };
    const query = `?uploadId=${encodeURIComponent(upload)}`;
    const done = async () =>
      (await send({ method: "HEAD", url, signal })).headers.get("content-length") === String(size);
    const sent = await unlessThere(key, () =>
      send({ method: "POST", url: url + query, body, headers, signal, done }),
    );
    // S3 begins to answer before it knows: a failure may come behind a 200.
    const text = textIn(sent);
    if (textOf(text, "Code") !== undefined) {
      throw refused(url, sent, refusalIn(text, sent.status, ""), true);
    }
  }

  async function upload(
    key: string,
    pieces: AsyncIterable<Uint8Array>,
    { signal, ifAbsent, mostBytes = 0 }: UploadOptions = {},
  ): Promise<void> {
    await checkAbsent(key, { signal, ifAbsent });
    const size = Math.max(PART, Math.ceil(mostBytes / (MOST_PARTS - 1)));
    const url = objectUrl(key);
    const parts = partsOf(pieces, size);
    const first = await parts.next();
    const second = first.done === true ? first : await parts.next();
    if (second.done === true) return put(key, first.value ?? new Uint8Array(0), { signal, ifAbsent });
    async function* all(): AsyncGenerator<Uint8Array> {
      yield first.value as Uint8Array;
      yield second.value as Uint8Array;
      yield* parts;
    }
    const id = await begin(url, signal);
    const query = `uploadId=${encodeURIComponent(id)}`;
    let bytes = 0;
    try {
      const tags = await sendParts(all(), AT_A_TIME, async (body, n) => {
        bytes += body.length;
        const part = `${url}?partNumber=${n + 1}&${query}`;
        const { headers } = await send({ method: "PUT", url: part, body, signal });
        const tag = headers.get("etag");
        if (tag !== null) return tag;
        throw new LazyImageError(
          "ERR_HTTP",
          `${url}: S3 gave a part no ETag; in a page, its CORS rule must expose it`,
        );
      });
      await complete(key, id, tags, bytes, { signal, ifAbsent });
    } catch (error) {
      // The first error is the one to tell.
      const clearing = AbortSignal.timeout(CLEARING);
      await send({ method: "DELETE", url: `${url}?${query}`, signal: clearing }).catch(() => {});
      throw error;
    } finally {
      await parts.return(undefined);
    }
  }

  async function* list({ signal }: RemoteOptions = {}): AsyncGenerator<readonly string[]> {
    const { prefix } = keys;
    const bucketUrl = urlOf({ bucket, key: "" }, endpoint);
    let token: string | undefined;
    do {
      const query = ["list-type=2", `prefix=${encodeURIComponent(prefix)}`];
      if (token !== undefined) query.push(`continuation-token=${encodeURIComponent(token)}`);
      const xml = textIn(await send({ method: "GET", url: `${bucketUrl}?${query.join("&")}`, signal }));
      const keys = [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => unescaped(key!));
      yield keys.map((key) => key.slice(prefix.length));
      token = textOf(xml, "IsTruncated") === "true" ? textOf(xml, "NextContinuationToken") : undefined;
    } while (token !== undefined);
  }

  return {
    name: `s3://${bucket}/${keys.root}`,
    get,
    delete: remove,
    put,
    upload,
    list,
  };
}
