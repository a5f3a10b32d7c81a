import { type ByteSource, LazyImageError } from "@lazyimg/core";

/**
 * A part of a source as a source of its own: what lies behind a header, for instance. Closing it closes the whole.
 *
 * @param offset byte of the whole where it begins
 * @param length most bytes that it has; less where the whole ends before
 */
export function within(
  source: ByteSource,
  offset: number,
  length: number = Number.POSITIVE_INFINITY,
): ByteSource {
  const part = (from: number, wanted: number): number => {
    if (!(from >= 0 && wanted >= 0)) {
      throw new LazyImageError(
        "ERR_INVALID_ARGUMENT",
        `Bytes ${from} to ${from} + ${wanted}: both are numbers, 0 or more.`,
      );
    }
    return Math.min(wanted, Math.max(0, length - from));
  };
  return {
    name: source.name,
    gap: source.gap,
    async size(options) {
      const size = await source.size(options);
      return size === null ? null : Math.min(length, Math.max(0, size - offset));
    },
    read: async (from, wanted, options) => source.read(offset + from, part(from, wanted), options),
    async *stream(from, wanted, options) {
      yield* source.stream(offset + from, part(from, wanted), options);
    },
    ...(source.version && { version: source.version.bind(source) }),
    ...(source.modified && { modified: source.modified.bind(source) }),
    ...(source.cost && { cost: (from, wanted) => source.cost!(offset + from, part(from, wanted)) }),
    close: async () => source.close?.(),
  };
}
