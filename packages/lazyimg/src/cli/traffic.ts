import type { ByteSource } from "@lazyimg/core";

/** Counts what is read: from byte sources on this machine, and through `fetch` from others. */
export class Traffic {
  bytes = 0;
  requests = 0;
  readonly #sources: ByteSource[] = [];
  /** Sizes of files on servers, as the answers to range requests state them. */
  readonly #remote = new Map<string, number>();

  /** The same source, counted from now on. It stays this object's to close. */
  source(source: ByteSource): ByteSource {
    this.#sources.push(source);
    return {
      name: source.name,
      gap: source.gap,
      size: (options) => source.size(options),
      read: async (offset, length, options) => {
        this.requests++;
        const bytes = await source.read(offset, length, options);
        this.bytes += bytes.length;
        return bytes;
      },
      stream: (offset, length, options) => this.#pieces(source.stream(offset, length, options)),
      ...(source.version && { version: (options) => source.version!(options) }),
      ...(source.cost && { cost: (offset, length) => source.cost!(offset, length) }),
    };
  }

  async *#pieces(pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    this.requests++;
    for await (const piece of pieces) {
      this.bytes += piece.length;
      yield piece;
    }
  }

  /** A `fetch` that sends these headers along, and whose requests are counted. */
  fetch(headers: readonly (readonly [name: string, value: string])[]): typeof fetch {
    return async (input, init) => {
      const request = new Request(input, init);
      for (const [name, value] of headers) request.headers.set(name, value);
      this.requests++;
      const response = await fetch(request);
      const total = /^bytes \d+-\d+\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1];
      if (total !== undefined) this.#remote.set(request.url, Number(total));
      return this.#counted(response);
    };
  }

  #counted(response: Response): Response {
    if (response.body === null) return response;
    const count = new TransformStream<Uint8Array, Uint8Array>({
      transform: (piece, controller) => {
        this.bytes += piece.length;
        controller.enqueue(piece);
      },
    });
    const counted = new Response(response.body.pipeThrough(count), response);
    // A made response has none.
    Object.defineProperty(counted, "url", { value: response.url });
    return counted;
  }

  /** Bytes of all files that were read from, where that is known. */
  async size(): Promise<number | null> {
    const sizes = [
      ...(await Promise.all(this.#sources.map((source) => source.size()))),
      ...this.#remote.values(),
    ];
    if (sizes.length === 0) return null;
    return sizes.reduce<number | null>((sum, size) => (sum === null || size === null ? null : sum + size), 0);
  }

  async close(): Promise<void> {
    await Promise.all(this.#sources.map((source) => source.close?.()));
  }
}
