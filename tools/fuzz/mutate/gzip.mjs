/** Gzip around mutated content, and mutations of gzip itself. */
import { constants, gunzipSync, gzipSync } from "node:zlib";
import { mutateBytes } from "./bytes.mjs";

const { Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE } = constants;

/** ID, method, flags, and the trailer are where a gzip file says most about itself. */
function damage(bytes, random) {
  const { length } = bytes;
  const fields = [
    [0, "i8"],
    [2, "i8"],
    [3, "i8"],
    [3, "i8"],
    [8, "i8"],
    [10, "i16"],
    [12, "i16"],
    [length - 8, "i32"],
    [length - 4, "i32"],
  ];
  return mutateBytes(bytes, random, { fields, little: true });
}

/** @param mutate mutates what is inside */
export function mutateGzip(bytes, random, mutate) {
  const kind = random.below(10);
  if (kind < 4) return damage(bytes, random);
  let plain = gunzipSync(bytes);
  if (kind < 9) plain = mutate(plain);
  const options = {
    level: random.pick([0, 1, 6, 9]),
    strategy: random.pick([Z_DEFAULT_STRATEGY, Z_FIXED, Z_HUFFMAN_ONLY, Z_RLE]),
  };
  const cut = random.below(plain.length);
  const again = random.chance(0.25)
    ? Buffer.concat([gzipSync(plain.subarray(0, cut), options), gzipSync(plain.subarray(cut), options)])
    : gzipSync(plain, options);
  return kind === 8 ? damage(again, random) : again;
}
