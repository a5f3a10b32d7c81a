import { gunzipSync, gzipSync } from "node:zlib";
import { zarrStore } from "@lazyimg/backend-zarr/backend";
import { createRequest, type Tensor } from "@lazyimg/core";
import { describe, expect, test } from "vitest";
import { files } from "./golden.js";

/** A chunk of the array, whose gzip is replaced. */
const key = "/1.0.1";
const whole = files("v2-gzip").get(key)!;
const plain = gunzipSync(whole);

const read = async (chunk: Uint8Array): Promise<Tensor> => {
  const image = await zarrStore.open(createRequest(files("v2-gzip").set(key, chunk), {}), {});
  return image!.toTensor();
};

/** With a field of the header that is optional: the name of a file (RFC 1952, section 2.3). */
function named(bytes: Uint8Array): Uint8Array {
  const name = new TextEncoder().encode("chunk\0");
  const result = Uint8Array.from([...bytes.subarray(0, 10), ...name, ...bytes.subarray(10)]);
  result[3] = 8;
  return result;
}

describe("a chunk in another form of gzip is the same chunk", () => {
  const half = plain.length >> 1;
  test.each<[string, Uint8Array]>([
    ["compressed anew", gzipSync(plain, { level: 9 })],
    ["not compressed", gzipSync(plain, { level: 0 })],
    ["two members", Buffer.concat([gzipSync(plain.subarray(0, half)), gzipSync(plain.subarray(half))])],
    ["with a name in its header", named(whole)],
    ["with zeros behind it", Uint8Array.from([...whole, 0, 0, 0])],
  ])("%s", async (_, chunk) => {
    expect(await read(chunk)).toEqual(await read(whole));
  });
});

describe("a damaged chunk is ERR_CORRUPT", () => {
  const changed = (at: number): Uint8Array =>
    whole.map((byte, n) => (n === whole.length + at ? byte ^ 1 : byte));
  test.each<[string, Uint8Array, RegExp]>([
    ["of another CRC-32", changed(-8), /incorrect data check/],
    ["of another length in its trailer", changed(-4), /incorrect length check/],
    ["without its trailer", whole.subarray(0, -8), /unexpected end of file/],
    ["with garbage behind it", Uint8Array.from([...whole, 1, 2, 3]), /incorrect header check/],
    ["too short", gzipSync(plain.subarray(1)), /decodes to \d+ bytes/],
    ["too long", gzipSync(Buffer.concat([plain, plain])), /larger than/],
  ])("%s", async (_, chunk, words) => {
    const message = expect.stringMatching(new RegExp(`1\\.0\\.1: .*${words.source}`));
    await expect(read(chunk)).rejects.toMatchObject({ name: "LazyImageError", code: "ERR_CORRUPT", message });
  });
});
