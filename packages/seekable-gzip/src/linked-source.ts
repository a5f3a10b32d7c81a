import type { ByteReadOptions, ByteSource } from "@lazyimg/core";
import type { Link, Services } from "@lazyimg/worker-link";

/** Lets the other side read a source. */
export function servicesOf(source: ByteSource): Services {
  const streams = new Map<number, { pieces: AsyncIterator<Uint8Array>; controller: AbortController }>();
  let ids = 0;
  return {
    size: (_, { signal }) => source.size({ signal }),
    version: async (_, { signal }) => (await source.version?.({ signal })) ?? null,
    read: async ([offset, length], { signal }) => source.read(offset as number, length as number, { signal }),
    async open([offset, length]) {
      const controller = new AbortController();
      const { signal } = controller;
      const pieces = source.stream(offset as number, length as number, { signal })[Symbol.asyncIterator]();
      streams.set(ids, { pieces, controller });
      return ids++;
    },
    async next([id]) {
      const stream = streams.get(id as number);
      const next = await stream?.pieces.next();
      if (next === undefined || next.done === true) return null;
      // The piece is ours only until the next one is asked for.
      return next.value.slice();
    },
    async shut([id]) {
      const stream = streams.get(id as number);
      streams.delete(id as number);
      stream?.controller.abort();
      await stream?.pieces.return?.().catch(() => undefined);
    },
  };
}

/** Reads what the other side's `servicesOf` is of. */
export function linkedSource(
  link: Link,
): Pick<ByteSource, "size" | "read" | "stream"> & Required<Pick<ByteSource, "version">> {
  return {
    size: async (options) => (await link.call("size", [], options)) as number | null,
    version: async (options) => (await link.call("version", [], options)) as string | null,
    async read(offset, length, { signal, into }: ByteReadOptions = {}) {
      const bytes = (await link.call(
        "read",
        [offset, into === undefined ? length : Math.min(length, into.length)],
        { signal },
      )) as Uint8Array;
      if (into === undefined) return bytes;
      into.set(bytes);
      return into.subarray(0, bytes.length);
    },
    async *stream(offset, length, { signal } = {}) {
      const id = await link.call("open", [offset, length], { signal });
      try {
        // One piece ahead of the consumer.
        let next = link.call("next", [id], { signal });
        for (;;) {
          const piece = (await next) as Uint8Array | null;
          if (piece === null) return;
          next = link.call("next", [id], { signal });
          next.catch(() => undefined);
          yield piece;
        }
      } finally {
        link.call("shut", [id]).catch(() => undefined);
      }
    },
  };
}
