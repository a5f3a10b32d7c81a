import {
  ifNone,
  objectsOf,
  type Place,
  partsOf,
  type RemoteWriter,
  sendParts,
  textOf,
  type UploadOptions,
} from "@lazyimg/byte-source/remote";
import { type Address, urlOf as urlAt } from "./address.js";
import { refusalOf, refused } from "./refusal.js";

/** Bytes of a block, at least; a blob has 50,000 at most. */
const BLOCK = 8 << 20;
const MOST_BLOCKS = 50_000;
/** Blocks that are sent at a time. */
const AT_A_TIME = 4;

/** All identifiers of a blob's blocks have one length. */
const blockId = (number: number): string => btoa(String(number).padStart(6, "0"));

/** Writes to Azure: blobs in one request, or by lists of blocks, of which nothing is seen before they are committed. */
export function azureWriter(place: Place<Address>): RemoteWriter {
  const { service, address } = place;
  const { container } = address;
  const { writer, send, make, urlOf, checkAbsent, hasSize } = objectsOf(place, {
    root: `az://${container}/`,
    refusals: { refusalOf, refused },
    urlOf: (key) => urlAt(service, { container, key }),
    putting: (key, ifAbsent) => ({
      method: "PUT",
      url: urlAt(service, { container, key }),
      headers: { "x-ms-blob-type": "BlockBlob", ...ifNone(ifAbsent) },
    }),
    existing: "BlobAlreadyExists",
    listing(prefix, next) {
      const query = ["restype=container", "comp=list", `prefix=${prefix}`];
      if (next !== undefined) query.push(`marker=${next}`);
      return `${service}/${container}?${query.join("&")}`;
    },
    pageOf(xml) {
      // A Data Lake lists its folders, too.
      const blobs = [...xml.matchAll(/<Blob>.*?<\/Blob>/gs)].filter(
        ([blob]) => textOf(blob, "ResourceType") !== "directory",
      );
      return { names: blobs.map(([blob]) => textOf(blob, "Name") ?? ""), next: textOf(xml, "NextMarker") };
    },
  });

  async function upload(
    key: string,
    pieces: AsyncIterable<Uint8Array>,
    { signal, ifAbsent, mostBytes = 0 }: UploadOptions = {},
  ): Promise<void> {
    const url = urlOf(key);
    // The condition is on the last request: whether that can be met is looked at before the first.
    await checkAbsent(key, { signal, ifAbsent });
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
    const headers = { "content-type": "application/xml", ...ifNone(ifAbsent) };
    const done = () => hasSize(key, bytes, signal);
    await make(key, { method: "PUT", url: `${url}?comp=blocklist`, body, headers, signal, done });
  }

  return { ...writer, upload };
}
