/** A whole file as a byte source. */
export const memory = (bytes) => ({
  gap: 0,
  size: async () => bytes.length,
  async read(offset, length, { into } = {}) {
    const part = bytes.subarray(offset, offset + length);
    if (into === undefined) return Uint8Array.from(part);
    into.set(part);
    return into.subarray(0, part.length);
  },
  async *stream(offset, length) {
    yield bytes.subarray(offset, Math.min(bytes.length, offset + length));
  },
});
