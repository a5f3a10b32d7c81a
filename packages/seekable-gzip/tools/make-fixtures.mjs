// Writes test/fixtures: one sample, compressed by everything that people compress with. Needs Debian's pigz, tabix
// (bgzip), zopfli, libdeflate-tools and gzip:   node tools/make-fixtures.mjs
// tools/oracle.py writes the rest.
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import * as zlib from "node:zlib";
import { sample } from "../test/sample.mjs";

const folder = fileURLToPath(new URL("../test/fixtures/", import.meta.url));

const raw = Buffer.from(sample());
const gzip = (bytes, options = {}) => {
  const out = zlib.gzipSync(bytes, { level: 6, ...options });
  out[9] = 255; // the byte that names the operating system
  return out;
};
const pipe = (command, args) => execFileSync(command, args, { input: raw, maxBuffer: 1 << 26 });

/** RFC 1952's optional fields: text flag, extra, name, comment, header CRC. */
function decorated() {
  const body = gzip(raw);
  const extra = Buffer.from([7, 0, 65, 66, 3, 0, 1, 2, 3]);
  const header = Buffer.concat([
    body.subarray(0, 3),
    Buffer.from([1 | 2 | 4 | 8 | 16]),
    body.subarray(4, 10),
    extra,
    Buffer.from("sample.raw\0comment\0"),
  ]);
  const crc = Buffer.alloc(2);
  crc.writeUInt16LE(zlib.crc32(header) & 0xffff);
  return Buffer.concat([header, crc, body.subarray(10)]);
}

/** zopfli reads no pipes. */
function zopfli() {
  const path = join(mkdtempSync(join(tmpdir(), "lazyimg-")), "sample");
  writeFileSync(path, raw);
  return execFileSync("zopfli", ["-c", path], { maxBuffer: 1 << 26 });
}

const files = {
  "zlib-1.gz": gzip(raw, { level: 1, memLevel: 3 }),
  "zlib-6.gz": gzip(raw),
  "zlib-9.gz": gzip(raw, { level: 9, memLevel: 5 }),
  "huffman-only.gz": gzip(raw, { strategy: zlib.constants.Z_HUFFMAN_ONLY }),
  "rle.gz": gzip(raw, { strategy: zlib.constants.Z_RLE }),
  "fixed.gz": gzip(raw, { strategy: zlib.constants.Z_FIXED }),
  "stored.gz": gzip(raw, { level: 0 }),
  "members.gz": Buffer.concat([
    gzip(raw.subarray(0, 100_000)),
    gzip(Buffer.alloc(0)),
    gzip(raw.subarray(100_000, 100_001)),
    gzip(raw.subarray(100_001), { level: 1 }),
  ]),
  "padded.gz": Buffer.concat([gzip(raw), Buffer.alloc(1000)]),
  "decorated.gz": decorated(),
  "gzip.gz": pipe("gzip", ["-cn"]),
  "pigz-i.gz": pipe("pigz", ["-cn", "-i", "-b", "128", "-p", "2"]),
  "zopfli.gz": zopfli(),
  "libdeflate.gz": pipe("libdeflate-gzip", ["-cn", "-12"]),
  "bgzip.gz": pipe("bgzip", ["-c"]),
};
// Those that compress badly are kept gzipped once more.
const wrapped = new Set(["stored.gz", "huffman-only.gz", "rle.gz"]);
for (const [name, bytes] of Object.entries(files)) {
  if (wrapped.has(name)) writeFileSync(`${folder}${name}.gz`, gzip(bytes, { level: 9 }));
  else writeFileSync(folder + name, bytes);
}
