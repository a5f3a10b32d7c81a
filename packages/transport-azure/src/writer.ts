import {
  isForbidden,
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
  senderOf,
  sendParts,
  textOf,
  type UploadOptions,
} from "@lazyimg/byte-source/remote";
import { isLazyImageError, LazyImageError } from "@lazyimg/core";
import { type Address, urlOf } from "./address.js";
import { refusalOf, refused } from "./refusal.js";

/** Bytes of a block, at least; a blob has 50,000 at most. */
const BLOCK = 8 << 20;
const MOST_BLOCKS = 50_000;
/** Blocks that are sent at a time. */
const AT_A_TIME = 4;

/** All identifiers of a blob's blocks have one length. */
const blockId = (number: number): string => btoa(String(number).padStart(6, "0"));

/** Writes to Azure: blobs in one request, or by lists of blocks, of which nothing is seen before they are committed. */
export function azureWriter({ address, service, fetch, request }: Place<Address>): RemoteWriter {
  const { container } = address;
  const keys = keysOf(address.key);
  const blobUrl = (key: string): string => urlOf(service, container, keys.of(key));
  const send = senderOf({
    fetch,
    request,
    // A fetch of the caller's answers for credentials.
    refused: async (url, response) => refused(url, response, await refusalOf(response), true),
  });

  const objects = objectsBy(send, blobUrl);

  const condition = (ifAbsent: boolean | undefined): Record<string, string> =>
    ifAbsent === true ? { "if-none-match": "*" } : {};

  /** Sends what makes a blob, with Azure's words for one that is there turned into ours. */
  async function make(key: string, sending: Sending): Promise<void> {
    try {
      await send(sending);
    } catch (error) {
      const { status, code = "" } = refusalBehind(error) ?? {};
      if (status !== 412 && code !== "BlobAlreadyExists") throw error;
      throw exists(key, error);
    }
  }

  const exists = (key: string, cause?: unknown): LazyImageError =>
    new LazyImageError(
      "ERR_EXISTS",
      `az://${container}/${keys.of(key)} exists; remove it, or replace it with the option force`,
      { cause },
    );

  async function sizeOf(url: string, signal: AbortSignal | undefined): Promise<number> {
    return Number((await send({ method: "HEAD", url, signal })).headers.get("content-length"));
  }

  /** Whether there surely is a blob. */
  async function isThere(url: string, signal: AbortSignal | undefined): Promise<boolean> {
    try {
      await sizeOf(url, signal);
      return true;
    } catch (error) {
      if (isForbidden(error) || isLazyImageError(error, "ERR_NOT_FOUND")) return false;
      throw error;
    }
  }

  async function put(key: string, body: Uint8Array, { signal, ifAbsent }: PutOptions = {}): Promise<void> {
    const url = blobUrl(key);
    const headers = { "x-ms-blob-type": "BlockBlob", ...condition(ifAbsent) };
    const done = async () => isSame(await objects.get(key, { signal }), body);
    await make(key, { method: "PUT", url, body, headers, signal, done });
  }

  async function upload(
    key: string,
    pieces: AsyncIterable<Uint8Array>,
    { signal, ifAbsent, mostBytes = 0 }: UploadOptions = {},
  ): Promise<void> {
    const url = blobUrl(key);
    // The condition is on the last request: whether that can be met is looked at before the first.
    if (ifAbsent === true && (await isThere(url, signal))) throw exists(key);
    const blocks = partsOf(pieces, Math.max(BLOCK, Math.ceil(mostBytes / (MOST_BLOCKS - 1))));
    let bytes = 0;
    const ids = await sendParts(blocks, AT_A_TIME, async (body, n) => {
      bytes += body.length;
      const id = blockId(n);
      await send({ method: "PUT", url: `${url}?comp=block&blockid=${encodeURIComponent(id)}`, body, signal });
      return id;
    });
    const list = ids.map((id) => `<Uncommitted>${id}</Uncommitted>`).join("");
    const body = new TextEncoder().encode(`<?xml version="1.0"?><BlockList>${list}</BlockList>`);
    const headers = { "content-type": "application/xml", ...condition(ifAbsent) };
    const done = async () => (await sizeOf(url, signal)) === bytes;
    await make(key, { method: "PUT", url: `${url}?comp=blocklist`, body, headers, signal, done });
  }

  async function* list({ signal }: RemoteOptions = {}): AsyncGenerator<readonly string[]> {
    const { prefix } = keys;
    let marker: string | undefined;
    do {
      const query = ["restype=container", "comp=list", `prefix=${encodeURIComponent(prefix)}`];
      if (marker) query.push(`marker=${encodeURIComponent(marker)}`);
      const url = `${service}/${container}?${query.join("&")}`;
      const xml = new TextDecoder().decode((await send({ method: "GET", url, signal })).body);
      // A Data Lake lists its folders, too.
      const blobs = [...xml.matchAll(/<Blob>.*?<\/Blob>/gs)].filter(
        ([blob]) => textOf(blob, "ResourceType") !== "directory",
      );
      yield blobs.map(([blob]) => (textOf(blob, "Name") ?? "").slice(prefix.length));
      marker = textOf(xml, "NextMarker");
    } while (marker);
  }

  return {
    name: `az://${container}/${keys.root}`,
    ...objects,
    put,
    upload,
    list,
  };
}
