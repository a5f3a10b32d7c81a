// Inside .nii.gz: lazyimg, node:zlib, nifti-reader-js, and nibabel with and without indexed_gzip, taking turns.
// `node benchmarks/seekable-gzip.mjs [rounds]` prints a Markdown table. The file is in the operating system's cache; the
// versions of the Python peers are in peers/requirements.txt.
import { readFileSync, statSync } from "node:fs";
import { availableParallelism } from "node:os";
import * as zlib from "node:zlib";
import { nifti } from "@lazyimg/backend-nifti";
import { fileSource } from "@lazyimg/byte-source";
import { slice } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { buildIndex, writeIndex } from "@lazyimg/seekable-gzip";
import { median, spread, table, time, timesInTurns } from "./measure.mjs";
import { startPeer } from "./peer.mjs";
import { gzippedVolume, HEADER, PLANE, picker, SIZE } from "./seekable-gzip-volume.mjs";

// A dependency of nifti-header, not of the workspace.
const reader = await import("../packages/nifti-header/node_modules/nifti-reader-js/dist/nifti.js");

const rounds = Number(process.argv[2] ?? 5);
const path = gzippedVolume();
const gz = readFileSync(path);
const pick = picker();
const peer = startPeer("gzip_peer.py");

const built = await buildIndex(fileSource(path));
const readerOptions = { gzipIndex: writeIndex(built) };
const open = (options = { gzipIndex: false }) =>
  openImage(path, { backends: [nifti], readerOptions: options });
const indexed = await open(readerOptions);

const axial = (k) => [0, null, null, k];
const block = (k) => [0, slice(230, 294), slice(230, 294), slice(k, k + 64)];

/** Milliseconds of one of several reads. */
const each = (positions, work) =>
  time(async () => {
    for (const k of positions) await work(k);
  }).then((all) => all / positions.length);
const ask = (what, indexed, positions, first = false) =>
  peer && (() => peer.ask({ path, what, indexed, positions, first }));
const many = (count, below) => Array.from({ length: count }, () => pick(below));
// The same for both.
const slices = many(16, 400);
const blocks = many(3, 336);

const contestants = {
  gunzipSync: () => time(() => zlib.gunzipSync(gz)),
  index: () => time(() => buildIndex(fileSource(path))),
  firstAxial: () =>
    time(async () => {
      const image = await open();
      await image.read(axial(200));
      await image.close();
    }),
  zlibAxial: () =>
    time(() => zlib.gunzipSync(readFileSync(path)).slice(HEADER + 200 * PLANE, HEADER + 201 * PLANE)),
  readerAxial: () =>
    time(() => {
      const file = readFileSync(path);
      const all = reader.decompress(file.buffer.slice(file.byteOffset, file.byteOffset + file.length));
      return reader.readImage(reader.readHeader(all), all).slice(200 * PLANE, 201 * PLANE);
    }),
  firstAxialPlain: ask("axial", false, [200], true),
  firstAxialIndexed: ask("axial", true, [200], true),
  axial: () => each(slices, (k) => indexed.read(axial(k))),
  axialIndexed: ask("axial", true, slices),
  block: () => each(blocks, (k) => indexed.read(block(k))),
  blockIndexed: ask("block", true, blocks),
  sagittal: () => time(() => indexed.read([0, 256])),
  gunzipAgain: () => time(() => zlib.gunzipSync(gz)),
  sagittalIndexed: ask("sagittal", true, [0]),
  sagittalFirst: () =>
    time(async () => {
      const image = await open();
      await image.read([0, 256]);
      await image.close();
    }),
};
const times = await timesInTurns(
  Object.fromEntries(Object.entries(contestants).filter(([, run]) => run)),
  rounds,
);
peer?.stop();
await indexed.close();

const row = (what, ours, name, theirs, wanted) =>
  times[theirs] === undefined
    ? []
    : [
        [
          what,
          spread(times[ours]),
          name,
          spread(times[theirs]),
          (median(times[theirs]) / median(times[ours])).toFixed(1),
          wanted,
        ],
      ];
console.log(
  `Node ${process.versions.node}, ${availableParallelism()} processors. ${(SIZE / 1e6).toFixed(0)} MB, ${(statSync(path).size / 1e6).toFixed(0)} MB gzipped; medians (and range) of ${rounds} rounds, milliseconds.\n`,
);
console.log(
  table(
    ["", "lazyimg", "peer", "its ms", "times faster", "wanted"],
    [
      ...row(
        "index of the whole file, all checks",
        "index",
        "one `gunzipSync`, no index",
        "gunzipSync",
        "> 1",
      ),
      ...row("axial slice, first access", "firstAxial", "nibabel", "firstAxialPlain", ">= 1"),
      ...row("", "firstAxial", "nibabel + indexed_gzip", "firstAxialIndexed", ""),
      ...row("", "firstAxial", "node:zlib, everything", "zlibAxial", ""),
      ...row("", "firstAxial", "nifti-reader-js", "readerAxial", ""),
      ...row("axial slice at random", "axial", "nibabel + indexed_gzip", "axialIndexed", ">= 4"),
      ...row("", "axial", "node:zlib, everything", "zlibAxial", ""),
      ...row("", "axial", "nifti-reader-js", "readerAxial", ""),
      ...row("64-cubed block at random", "block", "nibabel + indexed_gzip", "blockIndexed", ">= 2"),
      ...row(
        "sagittal slice (everything is inflated)",
        "sagittal",
        "one `gunzipSync`",
        "gunzipAgain",
        ">= 1",
      ),
      ...row("", "sagittal", "nibabel + indexed_gzip", "sagittalIndexed", ""),
      ...row("sagittal slice, first access", "sagittalFirst", "one `gunzipSync`", "gunzipAgain", ">= 1"),
    ],
  ),
);
