import {
  ifNone,
  objectsOf,
  type Place,
  type PutOptions,
  partsOf,
  type RemoteWriter,
  sendParts,
  textIn,
  textOf,
  type UploadOptions,
  unescaped,
} from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";
import { type Address, type Endpoint, urlOf as urlAt } from "./address.js";
import { refusalIn, refusalOf, refused } from "./refusal.js";

/** Bytes of a part, at least; S3 wants 5 MiB, and 10,000 parts at most. */
const PART = 8 << 20;
const MOST_PARTS = 10_000;
/** Parts that are sent at a time. */
const AT_A_TIME = 4;

/** Writes to S3: objects in one request, or by multipart uploads. */
export function s3Writer(place: Place<Address, Endpoint>): RemoteWriter {
  const { service, address } = place;
  const { bucket } = address;
  const { writer, send, make, urlOf, checkAbsent, hasSize, abandon } = objectsOf(place, {
    root: `s3://${bucket}/`,
    refusals: { refusalOf, refused },
    urlOf: (key) => urlAt(service, { bucket, key }),
    putting: (key, ifAbsent) => ({
      method: "PUT",
      url: urlAt(service, { bucket, key }),
      headers: ifNone(ifAbsent),
    }),
    listing(prefix, next) {
      const query = ["list-type=2", `prefix=${prefix}`];
      if (next !== undefined) query.push(`continuation-token=${next}`);
      return `${urlAt(service, { bucket, key: "" })}?${query.join("&")}`;
    },
    pageOf(xml) {
      const names = [...xml.matchAll(/<Key>([^<]*)<\/Key>/g)].map(([, key]) => unescaped(key!));
      const isMore = textOf(xml, "IsTruncated") === "true";
      return { names, next: isMore ? textOf(xml, "NextContinuationToken") : undefined };
    },
    // Two who write one object at a time.
    conflicts: [409],
  });

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
    const url = urlOf(key);
    const parts = tags.map((tag, n) => `<Part><PartNumber>${n + 1}</PartNumber><ETag>${tag}</ETag></Part>`);
    const body = new TextEncoder().encode(
      `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts.join("")}</CompleteMultipartUpload>`,
    );
    const headers = { "content-type": "application/xml", ...ifNone(ifAbsent) };
    const query = `?uploadId=${encodeURIComponent(upload)}`;
    const done = () => hasSize(key, size, signal);
    const sent = await make(key, { method: "POST", url: url + query, body, headers, signal, done });
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
    // Not every store knows conditions: what is there already is looked for first.
    await checkAbsent(key, { signal, ifAbsent });
    const size = Math.max(PART, Math.ceil(mostBytes / (MOST_PARTS - 1)));
    const url = urlOf(key);
    const parts = partsOf(pieces, size);
    const first = await parts.next();
    const second = first.done === true ? first : await parts.next();
    if (second.done === true) return writer.put(key, first.value ?? new Uint8Array(0), { signal, ifAbsent });
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
      await abandon(`${url}?${query}`);
      throw error;
    } finally {
      await parts.return(undefined);
    }
  }

  return { ...writer, upload };
}
