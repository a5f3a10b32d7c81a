import { blobSource } from "@lazyimg/byte-source";
import type { ByteSource } from "@lazyimg/core";

/** Counts what is read, from servers and from files. */
export class Traffic {
  bytes = 0;
  requests = 0;
  /** Sizes of what was read from, by URL or name. */
  readonly #sizes = new Map<string, number>();
  readonly #changed: () => void;

  /** @param changed called whenever the counts have grown */
  constructor(changed: () => void) {
    this.#changed = changed;
  }

  /** Bytes of all files that were read from; `null` before the first. */
  get total(): number | null {
    return this.#sizes.size === 0 ? null : [...this.#sizes.values()].reduce((sum, size) => sum + size, 0);
  }

  readonly fetch: typeof fetch = async (input, init) => {
    this.requests++;
    this.#changed();
    const response = await fetch(input, init);
    const { headers, body, status } = response;
    const total = /^bytes \d+-\d+\/(\d+)$/.exec(headers.get("content-range") ?? "")?.[1];
    const size = Number(status === 200 ? (headers.get("content-length") ?? 0) : (total ?? 0));
    if (size > 0) this.#sizes.set(String(input), size);
    if (body === null) return response;
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform: (piece, controller) => {
        this.#add(piece.length);
        controller.enqueue(piece);
      },
    });
    const counted = new Response(body.pipeThrough(count), response);
    // A made response has none, or another.
    return Object.defineProperties(counted, { url: { value: response.url }, type: { value: response.type } });
  };

  /** A file or Blob as a byte source. */
  source(blob: Blob, name: string): ByteSource {
    const source = blobSource(blob, { name });
    this.expect(name, blob.size);
    return {
      ...source,
      name,
      read: async (offset, length, options) => {
        this.requests++;
        const bytes = await source.read(offset, length, options);
        this.#add(bytes.length);
        return bytes;
      },
      stream: (offset, length, options) => this.#pieces(source.stream(offset, length, options)),
    };
  }

  /** Files that are known before they are read: their names and bytes. */
  expect(name: string, size: number): void {
    this.#sizes.set(name, size);
  }

  /** Bytes of a file, all of them. */
  async whole(file: Blob): Promise<Uint8Array> {
    this.requests++;
    const bytes = new Uint8Array(await file.arrayBuffer());
    this.#add(bytes.length);
    return bytes;
  }

  async *#pieces(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.requests++;
    for await (const piece of pieces) {
      this.#add(piece.length);
      yield piece;
    }
  }

  #add(bytes: number): void {
    this.bytes += bytes;
    this.#changed();
  }
}
