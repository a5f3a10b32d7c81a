// What is measured, as data: works (a file and a region of it), and who takes part.
import { fileURLToPath } from "node:url";
import { gzipFile, niftiFile, sparseFile, zarrFolder } from "./volumes.mjs";

const cli = fileURLToPath(new URL("../packages/lazyimg/bin/lazyimg.cjs", import.meta.url));

const CUBE = [1, 512, 512, 400];
const ODD = [1, 511, 513, 401];
const SERIES = [300, 64, 64, 40];

/** Who can take part: a module and function of contestants/, or a function of contestants/peer.py. */
const contestants = {
  lazyimg: { module: "lazyimg", name: "nifti" },
  "lazyimg zarr": { module: "lazyimg", name: "zarr", label: "lazyimg" },
  limit: { module: "limit", name: "file" },
  "limit gzip": { module: "limit", name: "gzip", label: "limit", fresh: false },
  "limit http": { module: "limit", name: "http", label: "limit" },
  memmap: { python: "", name: "memmap", label: "nibabel, memory map" },
  dataobj: { python: "", name: "dataobj", label: "nibabel" },
  gzip: { python: "", name: "gzip", label: "nibabel" },
  "indexed gzip": { python: "", name: "indexed_gzip", label: "nibabel + indexed_gzip" },
  "nibabel fsspec": { python: "", name: "fsspec_nifti", label: "nibabel + fsspec" },
  "zarr fsspec": { python: "", name: "zarr", label: "zarr-python 3 + fsspec" },
  // As whole processes, until they end.
  "lazyimg info": { command: [cli, "info", "PATH"] },
  "limit process": { command: ["-e", ""], label: "limit" },
  niizarr: { python: "", name: "niizarr", label: "nifti-zarr + fsspec" },
  torchio: { python: "torchio/", name: "torchio", label: "TorchIO 2" },
  zarrita: { module: "zarrita", name: "zarrita" },
  "nifti-reader-js": { module: "whole-file", name: "niftiReaderJs", fresh: true },
  niivue: { module: "whole-file", name: "niivue", label: "NiiVue's loader", fresh: true },
  "itk-wasm": { module: "whole-file", name: "itkWasm", fresh: true },
};
const who = (...names) => names.map((name) => ({ label: name, ...contestants[name] }));
const whole = ["nifti-reader-js", "niivue", "itk-wasm"];

/** Where something of this extent begins, at a place between 0 and 1 of where it may lie. */
const at = (place, size, extent = 1) => Math.floor(place * (size - extent + 1) * 0.9999);
const span = (place, size) => {
  const start = at(place, size, 64);
  return [start, start + 64, 1];
};
const all = () => [null, null, null, null];
/** Regions of a shape, at a place. */
export const regions = {
  axial:
    ([, , , k]) =>
    (place) => [0, null, null, at(place, k)],
  coronal:
    ([, , j]) =>
    (place) => [0, null, at(place, j), null],
  sagittal:
    ([, i]) =>
    (place) => [0, at(place, i), null, null],
  block:
    ([, i, j, k]) =>
    (place) => [0, span(place, i), span(1 - place, j), span(place, k)],
  strided:
    ([, i, j, k]) =>
    () => [0, [0, i, 4], [0, j, 4], [0, k, 4]],
  voxel:
    ([, i, j, k]) =>
    (place) => [null, at(place, i), at(1 - place, j), at(place, k)],
  volume:
    ([c]) =>
    (place) => [at(place, c), null, null, null],
};

const work = (name, shape, region, options = {}) => ({ name, shape, index: region(shape), ...options });

/** Regions of one image, and of a series where its file is given. */
const parts = [
  work("axial slice", CUBE, regions.axial),
  work("coronal slice", CUBE, regions.coronal),
  work("sagittal slice", CUBE, regions.sagittal),
  work("64-cubed block", CUBE, regions.block),
  work("every 4th voxel along each axis", CUBE, regions.strided),
];
const partsOfSeries = [
  work("voxel through time", SERIES, regions.voxel),
  work("one volume of a series", SERIES, regions.volume),
];
const fulls = [
  work("everything, as on disk", CUBE, () => all),
  work("everything, in C order, 512 x 512 x 400", CUBE, () => all, { order: "C" }),
  work("everything, in C order, 511 x 513 x 401", ODD, () => all, { order: "C" }),
  work("a series, in C order", SERIES, () => all, { order: "C" }),
];

/** Of reads that are not made in a row: others had their turn before each. */
const AFTER_A_PAUSE = ", alone";
const named = (works, suffix, options) =>
  works.map((one) => ({ ...one, ...options, name: `${one.name}${suffix}` }));
const only = (works, ...names) => works.filter(({ name }) => names.some((one) => name.startsWith(one)));

export const sections = [
  {
    name: "start",
    title: "From process start to header",
    about:
      "A program that opens a 210 MB `.nii` and knows its shape and affine, from the start of its process. `lazyimg info` is the " +
      "command, to its end; the limit is a Node process that does nothing.",
    start: true,
    works: [work("`.nii`", CUBE, () => () => null, { file: niftiFile })],
    contestants: () => who("lazyimg", "limit process", "lazyimg info", "memmap", "torchio", ...whole),
  },
  {
    name: "nifti",
    title: "NIfTI on disk",
    about:
      "512 x 512 x 400 int16 (210 MB) and a series of 300 volumes of 64 x 64 x 40 (98 MB), opened once, in the operating system's " +
      "cache; the regions lie elsewhere in each round. The limit is the best plan written by hand for each region, through the " +
      "same asynchronous file API into fresh memory; for C order it reads and copies once. The last three read the whole file " +
      "for anything, which is measured with it.",
    works: [
      ...parts,
      ...named(only(parts, "axial"), AFTER_A_PAUSE, { paused: true }),
      ...partsOfSeries,
      ...fulls,
    ].map((one) => ({ ...one, file: niftiFile })),
    contestants: ({ name }) =>
      who(
        "lazyimg",
        "limit",
        "memmap",
        "dataobj",
        "torchio",
        ...(/axial|as on disk/.test(name) ? whole : []),
      ),
  },
  {
    name: "gzip",
    title: "Inside gzip",
    about:
      "The same 210 MB as `.nii.gz` (zlib, level 6). First: the image is opened, nothing is known about the file, and there is " +
      "no index. Later: from an image that was read before, and so has its index, elsewhere in each round. The limit is zlib over " +
      "what has to be inflated, on one core: everything before the end of the region at first, from the nearest checkpoint later " +
      "(one every 512 KiB).",
    works: [
      ...named(only(parts, "axial", "coronal", "sagittal", "64"), ", first", { fresh: true, places: [0.5] }),
      ...named(only(parts, "axial"), ", later"),
      ...named(only(parts, "axial"), `, later${AFTER_A_PAUSE}`, { paused: true }),
      ...named(only(parts, "64"), ", later", { places: [0.1, 0.3, 0.5, 0.7, 0.9] }),
      ...named(only(parts, "coronal", "sagittal"), ", later", { places: [0.5] }),
      ...named(only(fulls, "everything, as on disk"), ", first", { fresh: true }),
    ].map((one) => ({ ...one, file: gzipFile, first: one.fresh === true })),
    contestants: ({ name }) =>
      who(
        "lazyimg",
        "limit gzip",
        "gzip",
        "indexed gzip",
        ...(name === "axial slice, first" ? ["torchio", ...whole] : []),
      ),
  },
  {
    name: "http",
    title: "Over HTTP",
    about:
      "From a server on this machine that answers ranges, at once or 50 ms late; every read opens the URL first. The limit knows " +
      "the layout, and asks for the header and then for every plane's part at once. fsspec has its default cache. " +
      "The `.nii.zarr` (Zarr v3) has chunks of 64 x 64 x 64, blosc; zarr-python and zarrita are told which array to open, and read no " +
      "header or affine.",
    works: [0, 50].flatMap((latency) => [
      ...[
        work("header", CUBE, () => () => null),
        ...only(parts, "axial", "coronal", "64"),
        ...partsOfSeries,
      ].map((one) => ({
        ...one,
        ...{ name: `\`.nii\`, ${one.name}, ${latency} ms`, file: niftiFile, fresh: true, latency },
      })),
      {
        ...parts[0],
        name: `\`.nii.gz\`, axial slice, ${latency} ms`,
        file: gzipFile,
        fresh: true,
        places: [0.5],
        latency,
      },
      ...[work("header", CUBE, () => () => null), ...only(parts, "axial", "coronal", "64")].map((one) => ({
        ...one,
        ...{ name: `\`.nii.zarr\`, ${one.name}, ${latency} ms`, fresh: true, latency },
        file: (shape) => zarrFolder(shape, "blosc"),
      })),
    ]),
    contestants: ({ name }) =>
      name.startsWith("`.nii.zarr")
        ? who("lazyimg zarr", "niizarr", "zarr fsspec", "zarrita")
        : who(
            "lazyimg",
            ...(name.startsWith("`.nii.gz") ? [] : ["limit http"]),
            "nibabel fsspec",
            ...(/axial.*, 0 ms/.test(name) ? whole : []),
          ),
  },
  {
    name: "growth",
    title: "Growth",
    about: "The same 64 x 64 x 64 voxels from the middle of sparse files of 0.1, 1, 4 and 16 GB.",
    works: [200, 2000, 8000, 32000].map((slices) =>
      work(`${((slices * 2 ** 19) / 1e9).toFixed(1)} GB`, [1, 512, 512, slices], regions.block, {
        file: () => sparseFile(slices),
        places: [0.5],
      }),
    ),
    contestants: () => who("lazyimg", "limit", "memmap", "dataobj"),
  },
  {
    name: "many",
    title: "Ten thousand images in one process",
    about:
      "Images of 8 x 8 x 8 are opened one after another, a row of voxels is read of each, and all are kept open. Memory and open " +
      "files are the whole process's.",
    many: [100, 1000, 10_000],
  },
  {
    name: "zarr",
    title: "Zarr",
    about: "512 x 512 x 400 int16 in chunks of 64 x 64 x 64, on disk.",
    script: "zarr.mjs",
  },
];
