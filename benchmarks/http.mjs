// A NIfTI file on an HTTP server, at once and 50 ms away: lazyimg, nibabel over fsspec, and the whole download that
// nifti-reader-js needs. `node benchmarks/http.mjs` prints a Markdown table.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { basename, dirname } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { nifti } from "@lazyimg/backend-nifti";
import { slice } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { inTurns, show, table, time } from "./measure.mjs";
import { startPeer } from "./peer.mjs";
import { volumeFile } from "./volumes.mjs";

const cube = await volumeFile([1, 512, 512, 400]);
const server = spawn(
  process.execPath,
  [fileURLToPath(new URL("./range-server.mjs", import.meta.url)), dirname(cube)],
  { stdio: ["ignore", "pipe", "inherit"] },
);
const [port] = await once(createInterface({ input: server.stdout }), "line");
const origin = `http://127.0.0.1:${port}`;
const peer = startPeer("http_peer.py");
const niftiReader = await import("../packages/nifti-header/node_modules/nifti-reader-js/dist/nifti.js");

const range = (start, stop) => [start, stop, null];
const works = [
  { name: "header", index: null, rounds: 15 },
  { name: "axial slice", index: [0, null, null, 200], rounds: 15 },
  { name: "64-cubed block", index: [0, range(200, 264), range(200, 264), range(200, 264)], rounds: 7 },
];

const rows = [];
for (const latency of [0, 50]) {
  const url = `${origin}/${basename(cube)}?latency=${latency}`;
  for (const { name, index, rounds } of works) {
    const items = index?.map((item) => (Array.isArray(item) ? slice(...item) : item));
    const ours = () =>
      time(async () => {
        const image = await openImage(url, { name: "volume.nii", backends: [nifti] });
        if (items !== undefined) await image.read(items);
        await image.close();
      });
    const whole = () =>
      time(async () => {
        const bytes = await (await fetch(url)).arrayBuffer();
        niftiReader.readImage(niftiReader.readHeader(bytes), bytes);
      });
    const result = await inTurns({ ours, ...(peer && { fsspec: () => peer.ask({ url, index }) }) }, rounds);
    const { whole: download } = await inTurns({ whole }, 3);
    await (await fetch(`${origin}/counts`)).json();
    await ours();
    const { requests, bytes } = await (await fetch(`${origin}/counts`)).json();
    rows.push([
      `${name}, ${latency} ms away`,
      show(result.ours),
      show(result.fsspec),
      show(download),
      result.fsspec === undefined ? "" : (result.fsspec / result.ours).toFixed(1),
      String(requests),
      (bytes / 2 ** 20).toFixed(2),
    ]);
  }
}
peer?.stop();
server.kill();

console.log(
  table(
    [
      "work, with opening",
      "lazyimg ms",
      "nibabel over fsspec ms",
      "whole download, nifti-reader-js ms",
      "fsspec / lazyimg",
      "lazyimg's requests",
      "lazyimg's MiB",
    ],
    rows,
  ),
);
