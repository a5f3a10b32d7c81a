/** What is fuzzed: for each container of each backend its seeds, from the golden files, and how they are mutated. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { bytesSource } from "@lazyimg/byte-source";
import { buildIndex, writeIndex } from "@lazyimg/seekable-gzip";
import { mutateBytes } from "./mutate/bytes.mjs";
import { mutateGzip } from "./mutate/gzip.mjs";
import { mutateJson } from "./mutate/json.mjs";
import { mutateText } from "./mutate/text.mjs";

const root = new URL("../../", import.meta.url);
const golden = (folder) => fileURLToPath(new URL(`tests/golden/${folder}/`, root));
// fflate is a dependency of the Zarr backend, not of the workspace.
const { unzipSync, zipSync } = createRequire(new URL("packages/backend-zarr/package.json", root))("fflate");

const array = (at, count, type) =>
  Array.from({ length: count }, (_, n) => [at + (n * Number(type.slice(1))) / 8, type]);

/** Fields of nifti1.h and nifti2.h. */
const NIFTI_FIELDS = {
  1: [
    [0, "i32"],
    [39, "i8"],
    ...array(40, 8, "i16"),
    ...array(40, 8, "i16"),
    [68, "i16"],
    [70, "i16"],
    [70, "i16"],
    [72, "i16"],
    ...array(76, 8, "f32"),
    [108, "f32"],
    [108, "f32"],
    [112, "f32"],
    [116, "f32"],
    [123, "i8"],
    [144, "i32"],
    [252, "i16"],
    [254, "i16"],
    ...array(256, 6, "f32"),
    ...array(280, 12, "f32"),
    [344, "i32"],
    [348, "i32"],
    [352, "i32"],
    [356, "i32"],
  ],
  2: [
    [0, "i32"],
    [4, "i64"],
    [12, "i16"],
    [12, "i16"],
    ...array(16, 8, "i64"),
    ...array(16, 8, "i64"),
    ...array(104, 8, "f64"),
    [168, "i64"],
    [168, "i64"],
    [176, "f64"],
    [184, "f64"],
    [344, "i32"],
    [348, "i32"],
    ...array(352, 6, "f64"),
    ...array(400, 12, "f64"),
    [500, "i32"],
    [540, "i32"],
    [544, "i32"],
    [548, "i32"],
  ],
};
/** MGH is big-endian: version, four sizes, type, degrees of freedom, whether it is placed, and the matrix. */
const MGH_FIELDS = [...array(0, 7, "i32"), ...array(4, 5, "i32"), [28, "i16"], ...array(30, 15, "f32")];

const niftiFields = (bytes) => NIFTI_FIELDS[bytes[0] === 0x1c || bytes[3] === 0x1c ? 2 : 1];

/** The files of a folder that may be opened, each with those beside it that have the same name but for the extension. */
function seedsOf(folder, opens) {
  const path = golden(folder);
  if (!existsSync(path)) return [];
  const names = readdirSync(path).filter((name) => !/\.json$|^\./.test(name));
  const stem = (name) => name.replace(/(\.[a-z]+){1,2}$/i, "");
  return names
    .filter((name) => opens.test(name))
    .map((main) => ({
      main,
      files: new Map(
        names
          .filter((name) => stem(name) === stem(main))
          .map((name) => [name, new Uint8Array(readFileSync(path + name))]),
      ),
    }));
}

/** A copy of a seed in which one file is another. */
function withFile(seed, name, bytes) {
  return { main: seed.main, files: new Map(seed.files).set(name, new Uint8Array(bytes)) };
}

/** Mutates the file that is opened, now and then the one beside it, now and then drops that. */
function mutateOne(seed, random, mutate) {
  const others = [...seed.files.keys()].filter((name) => name !== seed.main);
  if (others.length > 0 && random.chance(0.2)) {
    const name = random.pick(others);
    const result = withFile(seed, name, mutateBytes(seed.files.get(name), random));
    if (random.chance(0.1)) result.files.delete(name);
    return result;
  }
  return withFile(seed, seed.main, mutate(seed.files.get(seed.main)));
}

const mainOf = (seed) => seed.files.get(seed.main);
const isGzip = (bytes) => bytes[0] === 0x1f && bytes[1] === 0x8b;

function nifti() {
  const folders = ["dtype", "affine", "header", "layout", "rank", "scaling", "hostile"];
  const seeds = folders.flatMap((folder) => seedsOf(`nifti/${folder}`, /\.(nii|hdr|img)$/i));
  const mutate = (seed, random) =>
    mutateOne(seed, random, (bytes) =>
      mutateBytes(bytes, random, { fields: niftiFields(bytes), other: mainOf(random.pick(seeds)) }),
    );
  return { seeds, mutate };
}

async function niftiGz() {
  const folders = ["gzip", "header", "layout"];
  const seeds = folders.flatMap((folder) => seedsOf(`nifti/${folder}`, /\.nii\.gz$/i));
  // Pairs of which both halves are gzipped.
  for (const { main, files } of seedsOf("nifti/header", /\.hdr$/i)) {
    const packed = [...files].map(([name, bytes]) => [`${name}.gz`, new Uint8Array(gzipSync(bytes))]);
    seeds.push({ main: `${main}.gz`, files: new Map(packed) });
  }
  // With an index beside it, as `lazyimg index` writes it.
  for (const seed of seeds.slice(0, 12)) {
    const index = await buildIndex(bytesSource(mainOf(seed)), { spacing: 65_536 });
    seeds.push(withFile(seed, `${seed.main}.gzidx`, await writeIndex(index)));
  }
  const fields = [
    ...array(8, 1, "i64"),
    ...array(16, 1, "i64"),
    ...array(24, 3, "i32"),
    ...array(36, 6, "i64"),
  ];
  const mutate = (seed, random) => {
    const sidecar = `${seed.main}.gzidx`;
    const bytes = seed.files.get(sidecar);
    if (bytes !== undefined && random.chance(0.7))
      return withFile(seed, sidecar, mutateBytes(bytes, random, { fields, little: true }));
    const inside = (plain) => mutateBytes(plain, random, { fields: niftiFields(plain) });
    return withFile(seed, seed.main, mutateGzip(mainOf(seed), random, inside));
  };
  return { seeds, mutate };
}

/** The keys of a store, from a golden archive. */
function zarrStores() {
  const path = golden("zarr");
  return readdirSync(path)
    .filter((name) => name.endsWith(".zip"))
    .map(
      (name) =>
        new Map(
          Object.entries(unzipSync(readFileSync(path + name))).map(([key, bytes]) => [`/${key}`, bytes]),
        ),
    );
}

const isMetadata = (key) => /\.json$|\.z[a-z]+$/.test(key);

function mutateStore(stores, files, random) {
  const result = new Map(files);
  const keys = [...files.keys()];
  const other = random.pick(stores);
  for (let left = 1 + random.below(2); left > 0; left--) {
    const metadata = random.chance(0.65);
    const some = keys.filter((key) => isMetadata(key) === metadata);
    if (some.length === 0) continue;
    const key = random.pick(some);
    const theirs = [...other.keys()].filter((one) => isMetadata(one) === metadata);
    const foreign = theirs.length > 0 ? other.get(random.pick(theirs)) : files.get(key);
    const kind = random.below(20);
    if (kind === 0) result.delete(key);
    else if (kind === 1) result.set(key, foreign);
    else if (kind === 2) result.set(random.pick(keys), files.get(key));
    else if (metadata) {
      const text = Buffer.from(files.get(key)).toString();
      result.set(key, new Uint8Array(Buffer.from(mutateJson(text, random, Buffer.from(foreign).toString()))));
    } else result.set(key, mutateBytes(files.get(key), random, { other: foreign, little: true }));
  }
  return result;
}

function zarr() {
  const stores = zarrStores();
  const seeds = stores.map((files) => ({ main: null, files }));
  return {
    seeds,
    mutate: (seed, random) => ({ main: null, files: mutateStore(stores, seed.files, random) }),
  };
}

function zarrZip() {
  const stores = zarrStores();
  const main = "image.zarr.zip";
  const pack = (files, level) =>
    zipSync(Object.fromEntries([...files].map(([key, bytes]) => [key.slice(1), bytes])), { level });
  const seeds = stores
    .slice(0, 24)
    .map((files) => ({ main, store: files, files: new Map([[main, pack(files, 0)]]) }));
  const mutate = (seed, random) => {
    if (random.chance(0.25))
      return {
        main,
        files: new Map([[main, pack(mutateStore(stores, seed.store, random), random.pick([0, 6]))]]),
      };
    const bytes = mainOf(seed);
    // The end record, a header of the directory, a local header.
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const end = bytes.length - 22;
    const header = view.getUint32(end + 16, true);
    const records = [
      [end, [4, 6, 8, 10, 12, 16, 20]],
      [header, [4, 6, 8, 10, 16, 20, 24, 28, 30, 32, 38, 42]],
      [0, [4, 6, 8, 14, 18, 22, 26, 28]],
    ];
    const fields = records.flatMap(([at, offsets]) =>
      offsets.flatMap((offset) => [
        [at + offset, "i16"],
        [at + offset, "i32"],
      ]),
    );
    return withFile(seed, main, mutateBytes(bytes, random, { fields, little: true }));
  };
  return { seeds, mutate };
}

function mgh() {
  const seeds = seedsOf("mgh", /\.mg[hz]$/i);
  const binary = (random) => (bytes) =>
    mutateBytes(bytes, random, { fields: MGH_FIELDS, little: false, other: mainOf(random.pick(seeds)) });
  const mutate = (seed, random) =>
    mutateOne(seed, random, (bytes) =>
      isGzip(bytes) ? mutateGzip(bytes, random, binary(random)) : binary(random)(bytes),
    );
  return { seeds, mutate };
}

/** Formats whose header is text. @param options `begin` and `keepLength` of `mutateText` */
const textual =
  (folder, opens, options = {}) =>
  () => {
    const seeds = seedsOf(folder, opens);
    const mutateHeader = (bytes, random) => {
      if (isGzip(bytes)) return mutateGzip(bytes, random, (plain) => mutateHeader(plain, random));
      if (random.chance(0.15)) return mutateBytes(bytes, random);
      const foreign = mainOf(random.pick(seeds));
      const other = isGzip(foreign) ? gunzipSync(foreign) : foreign;
      return mutateText(bytes, random, {
        ...options,
        keepLength: options.keepLength || random.chance(0.3),
        other,
      });
    };
    return {
      seeds,
      mutate: (seed, random) => mutateOne(seed, random, (bytes) => mutateHeader(bytes, random)),
    };
  };

/** What ITK reads: other people's readers, in a Worker that is ended when they take too much. */
function itk() {
  const seeds = seedsOf("itk", /./);
  const mutate = (seed, random) =>
    mutateOne(seed, random, (bytes) => mutateBytes(bytes, random, { other: mainOf(random.pick(seeds)) }));
  return { seeds, mutate };
}

/** What ITK's readers may take, seconds and bytes: less than by default, for some of the inputs take all of it. */
const ITK_LIMITS = { timeLimit: 0.5, memoryLimit: 256 * 2 ** 20 };

/**
 * By name: the package that is fuzzed, what makes its seeds, and the limits that its reader is given. A package that is not
 * built is left out.
 */
const TABLE = {
  nifti: ["backend-nifti", nifti],
  "nifti-gz": ["backend-nifti", niftiGz],
  zarr: ["backend-zarr", zarr],
  "zarr-zip": ["backend-zarr", zarrZip],
  mgh: ["backend-mgh", mgh],
  nrrd: ["backend-nrrd", textual("nrrd", /\.(nrrd|nhdr)$/i)],
  metaimage: ["backend-metaimage", textual("metaimage", /\.mh[ad]$/i)],
  npy: ["backend-npy", textual("npy", /\.npy$/i, { begin: 10, keepLength: true })],
  mif: ["backend-mif", textual("mif", /\.(mif|mih|mif\.gz)$/i)],
  itk: ["reader-itk", itk, ITK_LIMITS],
};

/** An input of ITK's takes as long as so many of another format. */
const ITK_COSTS = 32;

/**
 * The formats that can be fuzzed here, in the order in which they take turns.
 *
 * @param only their names; by default all, `itk` once in a while
 */
export async function formats(only) {
  const result = [];
  for (const name of only ?? Object.keys(TABLE)) {
    const format = await formatNamed(name);
    if (format === null) continue;
    const { seeds, mutate } = await TABLE[name][1]();
    if (seeds.length > 0) result.push({ ...format, seeds, mutate });
  }
  if (only !== undefined) return result;
  const quick = result.filter(({ name }) => name !== "itk");
  return [...Array.from({ length: ITK_COSTS }, () => quick).flat(), ...result.slice(quick.length)];
}

/** What a format's inputs are opened with; `null` where its package is not built. */
export async function formatNamed(name) {
  const [folder, , limits] = TABLE[name];
  const module = new URL(`packages/${folder}/dist/backend.js`, root);
  if (!existsSync(module)) return null;
  const exported = Object.values(await import(module.href));
  return { name, backends: exported.filter((one) => typeof one?.matches === "function"), limits };
}
