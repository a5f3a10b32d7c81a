import type { ByteSource } from "@lazyimg/core";

/** A source over another one: what `own` does not have is passed on. */
export function over(source: ByteSource, own: Partial<ByteSource>): ByteSource {
  return {
    name: source.name,
    gap: source.gap,
    size: (options) => source.size(options),
    read: (offset, length, options) => source.read(offset, length, options),
    stream: (offset, length, options) => source.stream(offset, length, options),
    close: async () => source.close?.(),
    ...(source.version && { version: source.version.bind(source) }),
    ...(source.modified && { modified: source.modified.bind(source) }),
    ...(source.cost && { cost: source.cost.bind(source) }),
    ...own,
  };
}
