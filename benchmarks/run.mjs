// Runs the benchmarks in one go and writes their tables to docs/performance.md: `pnpm bench [nifti|http|gzip|zarr ...]`.
// Takes some minutes, 2 GB of the temporary folder, and Python 3.11 for the peers.
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { availableParallelism, cpus, totalmem } from "node:os";
import { fileURLToPath } from "node:url";

const benchmarks = [
  {
    name: "nifti",
    title: "NIfTI on disk",
    script: "nifti.mjs",
    about:
      "512 x 512 x 400 int16 (210 MB) and a series of 300 volumes of 64 x 64 x 40; warm page cache. The limit is the best plan " +
      "written by hand for each region through the same asynchronous file API into fresh memory.",
  },
  {
    name: "http",
    title: "NIfTI over HTTP",
    script: "http.mjs",
    about:
      "The same 210 MB on a server of this machine that answers ranges, at once or 50 ms late; each read opens the URL first. " +
      "nibabel reads through fsspec's file with its default cache; nifti-reader-js has to have the whole file.",
  },
  {
    name: "gzip",
    title: "Inside gzip",
    script: "seekable-gzip.mjs",
    about: "The same size of volume as `.nii.gz`; random positions; an index of checkpoints every MiB.",
  },
  {
    name: "zarr",
    title: "Zarr",
    script: "zarr.mjs",
    about: "512 x 512 x 400 int16 in chunks of 64 x 64 x 64.",
  },
];

const path = fileURLToPath(new URL("../docs/performance.md", import.meta.url));
const wanted = process.argv.slice(2);
/** The page as it is: what is not measured now keeps its section. */
const before = (() => {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
})();
const sectionOf = (title) =>
  new RegExp(`(?<=^## ${title}\\n)[^]*?(?=^## |$(?![^]))`, "m").exec(before)?.[0].trim();

const losses = sectionOf("Where others are ahead");
const sections = losses === undefined ? [] : [`## Where others are ahead\n\n${losses}\n`];
for (const { name, title, script, about } of benchmarks) {
  let body = sectionOf(title);
  if (wanted.length === 0 || wanted.includes(name)) {
    console.error(`${title} ...`);
    const { stdout, status } = spawnSync(
      process.execPath,
      [fileURLToPath(new URL(script, import.meta.url))],
      {
        encoding: "utf8",
        stdio: ["ignore", "pipe", "inherit"],
        maxBuffer: 2 ** 26,
      },
    );
    if (status !== 0) process.exit(status ?? 1);
    const cpu = `${availableParallelism()} x ${cpus()[0]?.model.trim()}`;
    const machine = `${cpu}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.version}`;
    body = `${about}\n\nMeasured on ${machine}.\n\n${stdout.trim()}`;
  }
  if (body !== undefined) sections.push(`## ${title}\n\n${body}\n`);
}

writeFileSync(
  path,
  `# Performance

Made by \`pnpm bench\`. Every table comes from one run in which the contestants take turns, each number is a median, and peers run
in an environment of their own with pinned versions. Compare the columns of one row; machines differ, and busy ones lie.

${sections.join("\n")}`,
);
console.error(`Wrote ${path}`);
