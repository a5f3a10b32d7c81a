/**
 * What all fixtures hold, 291 501 bytes: int16 that are smooth with noise, zeros, text, int16 that are smoother, noise
 * alone. Whole numbers only, so that every machine makes the same.
 *
 * @returns {Uint8Array}
 */
export function sample() {
  let seed = 20240607;
  /** @param {number} below */
  const random = (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return (seed >>> 8) % below;
  };
  /** @param {number} at @param {number} period */
  const triangle = (at, period) => Math.abs((at % period) - (period >> 1));
  const parts = [
    new Uint8Array(Int16Array.from({ length: 20_000 }, (_, i) => triangle(i, 900) + random(8)).buffer),
    new Uint8Array(90_000),
    new TextEncoder().encode("The quick brown fox jumps over the lazy dog. ".repeat(700)),
    new Uint8Array(
      Int16Array.from({ length: 63_000 }, (_, i) => (triangle(i, 6000) >> 3) + (random(9) >> 3)).buffer,
    ),
    Uint8Array.from({ length: 4001 }, () => random(256)),
  ];
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
