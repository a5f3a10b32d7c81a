// Writes test/fixtures: one sample, compressed by everything that people compress with. Needs pigz (2.6, which has
// zopfli as level 11), bgzip (htslib, on libdeflate) and gzip on PATH:   node tools/make-fixtures.mjs
// tools/oracle.py writes the rest.
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import * as zlib from "node:zlib";

const folder = fileURLToPath(new URL("../test/fixtures/", import.meta.url));

/** int16: smooth with noise, then zeros, then text, then noise alone. */
function sample() {
  let seed = 20240607;
  const random = () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) | 0;
    return (seed >>> 8) / 2 ** 24;
  };
  const smooth = Int16Array.from({ length: 70_000 }, (_, i) => 900 * Math.sin(i / 400) + 25 * random());
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(700);
  const noise = Uint8Array.from({ length: 30_001 }, () => 256 * random());
  return Buffer.concat([Buffer.from(smooth.buffer), Buffer.alloc(90_000), Buffer.from(text), noise]);
}

const raw = sample();
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

const files = {
  "sample.raw": raw,
  "zlib-1.gz": gzip(raw, { level: 1 }),
  "zlib-6.gz": gzip(raw),
  "zlib-9.gz": gzip(raw, { level: 9 }),
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
  "zopfli.gz": pipe("pigz", ["-cn", "-11"]),
  "bgzip.gz": pipe("bgzip", ["-c"]),
};
for (const [name, bytes] of Object.entries(files)) writeFileSync(folder + name, bytes);
