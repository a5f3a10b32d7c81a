import { existsSync, readdirSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { buildIndex, gzipSource, writeIndex } from "@lazyimg/seekable-gzip";
import { describe, expect, it } from "vitest";
import { CountingSource, randomFrom, same } from "./counting-source.js";

/** Real scans: Debian's mricron-data, or `$LAZYIMG_SCANS`. */
const folder = process.env.LAZYIMG_SCANS ?? "/usr/share/mricron/templates";
const files = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith(".nii.gz")) : [];

describe.runIf(files.length > 0)("real scans", () => {
  it.each(files)("%s", async (name) => {
    const bytes = new Uint8Array(readFileSync(`${folder}/${name}`));
    const raw = gunzipSync(bytes);
    const inner = new CountingSource(bytes, 1 << 20);
    const sidecar = writeIndex(await buildIndex(inner));
    const random = randomFrom(raw.length);
    const ahead = gzipSource(new CountingSource(bytes, 1 << 20));
    const indexed = gzipSource(inner, { sidecar });
    for (let i = 0; i < 20; i++) {
      const offset = Math.floor(random() * raw.length);
      const length = Math.floor(random() * 200_000);
      const expected = raw.subarray(offset, offset + length);
      for (const source of [ahead, indexed]) {
        expect(same(await source.read(offset, length), expected), `${offset} + ${length}`).toBe(true);
      }
    }
    expect(await indexed.size()).toBe(raw.length);
  });
});
