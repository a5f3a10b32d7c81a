import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";

/** A chunk by c-blosc. */
export interface BloscFixture {
  readonly name: string;
  /** Bytes of what it decodes to, and their CRC-32. */
  readonly size: number;
  readonly crc32: number;
  readonly encoded: Uint8Array;
}

/** What tools/make-blosc-fixtures.py wrote. */
export function bloscFixtures(): BloscFixture[] {
  const file = gunzipSync(readFileSync(new URL("data/blosc.bin.gz", import.meta.url)));
  const tocEnd = file.indexOf(10);
  const toc: (BloscFixture & { length: number })[] = JSON.parse(file.toString("utf8", 0, tocEnd));
  let at = tocEnd + 1;
  return toc.map(({ length, ...fixture }) => {
    at += length;
    return { ...fixture, encoded: new Uint8Array(file.subarray(at - length, at)) };
  });
}
