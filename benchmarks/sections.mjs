// What is measured, as data: works (a file and a region of it), and who takes part.
import { fileURLToPath } from "node:url";
import { regions } from "./regions.mjs";
import { gzipFile, indexedGzipFile, niftiFile, niizarrFolder, sparseFile, zarrFolder } from "./volumes.mjs";

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
  "limit http gzip": { module: "limit", name: "httpGzip", label: "limit" },
  "limit http indexed": { module: "limit", name: "httpIndexed", label: "limit" },
  "limit zarr": { module: "limit-zarr", name: "folder", label: "limit" },
  "limit http zarr": { module: "limit-zarr", name: "http", label: "limit" },
  memmap: { python: "", name: "memmap", label: "nibabel, memory map" },
  dataobj: { python: "", name: "dataobj", label: "nibabel" },
  gzip: { python: "", name: "gzip", label: "nibabel" },
  "indexed gzip": { python: "", name: "indexed_gzip", label: "nibabel + indexed_gzip" },
  "nibabel fsspec": { python: "", name: "fsspec_nifti", label: "nibabel + fsspec" },
  "indexed fsspec": { python: "", name: "fsspec_nifti", label: "nibabel + indexed_gzip + fsspec" },
  "zarr fsspec": { python: "", name: "zarr", label: "zarr-python 3 + fsspec" },
  "zarr-python 2": { python: "zarr-2/", name: "zarr" },
  "zarr-python 3": { python: "", name: "zarr" },
  "nifti-zarr": { python: "", name: "niizarr" },
  niizarr: { python: "", name: "niizarr", label: "nifti-zarr + fsspec" },
  torchio: { python: "torchio/", name: "torchio", label: "TorchIO 2" },
  zarrita: { module: "zarrita", name: "zarrita" },
  fizarrita: { module: "zarrita", name: "fizarrita" },
  convert: { module: "lazyimg", name: "convert", label: "lazyimg" },
  "niizarr convert": { python: "", name: "convert", label: "nifti-zarr" },
  "nifti-reader-js": { module: "whole-file", name: "niftiReaderJs", fresh: true },
  niivue: { module: "whole-file", name: "niivue", label: "NiiVue's loader", fresh: true },
  "itk-wasm": { module: "whole-file", name: "itkWasm", fresh: true },
  // As whole processes, until they end.
  "lazyimg info": { command: [cli, "info", "PATH"] },
  "limit process": { command: ["-e", ""], label: "limit" },
};
const who = (...names) => names.map((name) => ({ label: name, ...contestants[name] }));
const whole = ["nifti-reader-js", "niivue", "itk-wasm"];

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
  work("everything, as on disk", CUBE, regions.everything),
  work("everything, in C order, 512 x 512 x 400", CUBE, regions.everything, { order: "C" }),
  work("everything, in C order, 511 x 513 x 401", ODD, regions.everything, { order: "C" }),
  work("a series, in C order", SERIES, regions.everything, { order: "C" }),
];

const header = work("header", CUBE, () => () => null);
const LATENCIES = [0, 50];

/** Of an image that is opened for each read, before it. */
const isCold = (one) => ({ ...one, empty: true });
/** Of reads that are not made in a row: others had their turn before each. */
const AFTER_A_PAUSE = ", alone";
const named = (works, suffix, options) =>
  works.map((one) => ({ ...one, ...options, name: `${one.name}${suffix}` }));
const only = (works, ...names) => works.filter(({ name }) => names.some((one) => name.startsWith(one)));

/** Of Zarr, what codecs make no difference to. */
const inOneCodec = [
  work("axial slice, warm", CUBE, regions.layer, { warm: true }),
  ...only(fulls, "everything, in C order, 512").map(isCold),
];

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
      ...named(only(parts, "coronal", "sagittal", "every"), ", later", { places: [0.5] }),
      ...named(partsOfSeries, ", later", { places: [0.1, 0.5, 0.9] }),
      ...named(only(fulls, "everything, as on disk", "everything, in C order, 512"), ", first", {
        fresh: true,
      }),
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
    name: "zarr",
    title: "Zarr on disk",
    about:
      "The same voxels in chunks of 64 x 64 x 64 of Zarr v2, as nifti-zarr writes them: the series in one chunk for each volume, " +
      "padded to 64 slices. blosc is LZ4 with shuffle, level 5, zstd level 1, gzip level 5. Each read is from an image that was " +
      "opened just before, which is not measured, and has no chunk in its cache; “warm” are those from one image: axial slices " +
      "within one layer of chunks, and the voxels of one chunk again and again. The limit reads the files of the chunks by Node's " +
      "thread pool, inflates gzip with zlib there, on all processors, decodes nothing of blosc and zstd, and copies the region, " +
      "which lies in memory in one piece; where it is warm, it only copies. nifti-zarr gives a nibabel image over dask; zarr-python, zarrita and " +
      "fizarrita are told which array to open. They keep no chunks.",
    works: ["blosc", "zstd", "gzip"].flatMap((codec) =>
      [
        ...parts.map(isCold),
        work("64-cubed block that is a chunk, warm", CUBE, regions.chunk, { warm: true, places: [0.5] }),
        ...partsOfSeries.map(isCold),
        ...only(fulls, "everything, as on disk").map(isCold),
        ...(codec === "blosc" ? inOneCodec : []),
      ].map((one) => ({
        ...one,
        name: `${codec}: ${one.name}`,
        file: (shape) => niizarrFolder(shape, codec),
      })),
    ),
    contestants: ({ order }) =>
      who(
        "lazyimg zarr",
        "limit zarr",
        "zarr-python 2",
        "zarr-python 3",
        "nifti-zarr",
        ...(order === "C" ? [] : ["zarrita", "fizarrita"]),
      ),
  },
  {
    name: "http",
    title: "Over HTTP",
    about:
      "From a server on this machine that answers ranges, at once or 50 ms late; every read opens the URL first. The limit knows " +
      "the layout, and asks for the header and then for every plane's part at once; of `.nii.gz` it makes one request, and zlib " +
      "inflates what comes, up to the end of the region. “Indexed” is with a sidecar beside the file (GZIDX): the limit asks for " +
      "that, then at once for all that has to be inflated, which zlib does on all processors. fsspec has its default cache.",
    remote: true,
    works: LATENCIES.flatMap((latency) => {
      const remote = (works, container, file, options) =>
        works.map((one) => ({
          ...one,
          ...{ name: `${container}, ${one.name}, ${latency} ms`, file, fresh: true, latency, ...options },
        }));
      const all = [...parts, ...partsOfSeries, ...only(fulls, "everything, as on disk")];
      return [
        ...remote([header, ...all], "`.nii`", niftiFile),
        ...remote(all, "`.nii.gz`", gzipFile, { places: [0.5] }),
        ...remote(only(parts, "axial", "64"), "`.nii.gz`, indexed", indexedGzipFile, { sidecar: true }),
      ];
    }),
    contestants: ({ name, sidecar }) => {
      if (sidecar) return who("lazyimg", "limit http indexed", "indexed fsspec");
      const limit = name.startsWith("`.nii.gz") ? "limit http gzip" : "limit http";
      return who("lazyimg", limit, "nibabel fsspec", ...(/axial.*, 0 ms/.test(name) ? whole : []));
    },
  },
  {
    name: "http-zarr",
    title: "Zarr over HTTP",
    about:
      "From the same server, at once or 50 ms late: Zarr v3 in chunks of 64 x 64 x 64, as lazyimg writes it. Every read opens the URL " +
      "first. The limit asks for the root's metadata, then for all chunks at once, and decodes nothing. zarr-python and zarrita are " +
      "told which array to open, and read no header or affine.",
    remote: true,
    works: LATENCIES.flatMap((latency) => {
      const remote = (works, codec) =>
        works.map((one) => ({
          ...one,
          ...{ name: `${codec}: ${one.name}, ${latency} ms`, fresh: true, latency },
          file: (shape) => zarrFolder(shape, codec),
        }));
      return [
        ...remote([header, ...parts, ...only(fulls, "everything, as on disk")], "blosc"),
        ...["zstd", "gzip"].flatMap((codec) => remote(only(parts, "axial", "sagittal", "64"), codec)),
      ];
    }),
    contestants: () => who("lazyimg zarr", "limit http zarr", "niizarr", "zarr fsspec", "zarrita"),
  },
  {
    name: "convert",
    title: "Conversion to Zarr",
    about:
      "The `.nii` of 210 MB to NIfTI-Zarr: Zarr v3, chunks of 64 x 64 x 64, blosc, of one level and of as many as it takes.",
    works: [
      work("`.nii` to one level", CUBE, regions.everything, { file: niftiFile, levels: 1 }),
      work("`.nii` to a pyramid", CUBE, regions.everything, { file: niftiFile }),
    ],
    contestants: () => who("convert", "niizarr convert"),
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
];
