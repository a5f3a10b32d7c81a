/** One input: opened, asked what it is, read a little, closed. */
import { bytesSource } from "@lazyimg/byte-source";
import { DTYPES, isLazyImageError, slice } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { measured } from "./ledger.mjs";

/** Bytes that any input may cost, besides a multiple of its size. */
const MEMORY = 160 * 2 ** 20;
/** Bytes that are granted for each byte of an input: deflate's own ratio. */
const RATIO = 1032;
/** Seconds of processor time that any input may cost, unless its format has a limit of its own. */
const SECONDS = 1;
/** What a file may be blamed for. Other codes say that the caller is wrong, and the caller did nothing. */
const BLAMES = [
  "CHECKSUM",
  "CORRUPT",
  "HEADER",
  "LIMIT",
  "NOT_FOUND",
  "NO_BACKEND",
  "PAIR",
  "TRUNCATED",
  "UNSUPPORTED",
  "UNSUPPORTED_DTYPE",
];
/** Images of up to so many bytes are read whole as well. */
const WHOLE = 1 << 18;

/** What must not be: a finding. */
export class Broken extends Error {}

function expect(condition, message) {
  if (!condition) throw new Broken(message);
}

/** The input as something to open, in one of the ways in which a user may hold it. */
function sourceOf({ main, files }, random) {
  if (main === null) return [files, {}];
  const bytes = files.get(main);
  const options = {
    name: main,
    sibling: async (name) => (files.has(name) ? bytesSource(files.get(name), { name }) : null),
    readerOptions: { onWarning: () => {} },
  };
  const kind = random.below(8);
  if (kind === 0) return [new Blob([bytes]), options];
  // A source that cannot tell its size, as inside gzip or behind a proxy.
  if (kind === 1) return [{ ...bytesSource(bytes, { name: main }), size: async () => null }, options];
  return [bytes, options];
}

function checkFacts(image) {
  const { shape, affine, dtype, valueDtype, spacing, memory } = image;
  expect(
    shape.length === 4 && shape.every((size) => Number.isSafeInteger(size) && size >= 0),
    `shape is ${shape}`,
  );
  expect(affine.length === 16 && affine.every(Number.isFinite), `affine is ${affine}`);
  expect(dtype in DTYPES && valueDtype in DTYPES, `dtype is ${dtype}, ${valueDtype}`);
  expect(memory >= 0 && spacing.length === 3 && String(image).startsWith("Image("), "facts are missing");
}

/** A little region: up to four positions along each axis, in any direction. */
function regionOf(shape, random) {
  return shape.map((size) => {
    const first = random.below(size);
    if (random.chance(0.3)) return first - (random.chance(0.5) ? size : 0);
    const step = random.pick([1, 1, 1, 2, -1, -3]);
    const last = first + step * random.below(4) + Math.sign(step);
    return slice(first, last < 0 ? null : last, step);
  });
}

const sameNumber = (a, b) => Object.is(a, b) || a === b;

function sameVoxels(some, all, index) {
  const part = all.slice(index);
  expect(
    part.shape.join() === some.shape.join(),
    `a region has shape ${some.shape}, and ${part.shape} when it is cut out`,
  );
  const [cs, is, js, ks] = some.shape;
  for (let c = 0; c < cs; c++)
    for (let i = 0; i < is; i++)
      for (let j = 0; j < js; j++)
        for (let k = 0; k < ks; k++) {
          const [a, b] = [some.at(c, i, j, k), part.at(c, i, j, k)];
          const same = Array.isArray(a) ? a.every((x, n) => sameNumber(x, b[n])) : sameNumber(a, b);
          expect(same, `voxel ${[c, i, j, k]} is ${a} in a region and ${b} in the whole`);
        }
}

/** Whether an image has no orientation, which it says as an error about its affine. */
function isSingular(image) {
  try {
    return image.orientation === "";
  } catch (error) {
    expect(isLazyImageError(error, "ERR_INVALID_ARGUMENT"), `orientation throws ${error}`);
    return true;
  }
}

async function use(input, { backends, limits }, random) {
  const [source, options] = sourceOf(input, random);
  const readerOptions = { ...options.readerOptions, ...limits };
  const image = await openImage(source, { ...options, readerOptions, backends });
  try {
    checkFacts(image);
    const index = regionOf(image.shape, random);
    const plan = image.explain(index);
    expect(plan === undefined || plan.bytes >= 0, "a plan has no bytes");
    if (random.chance(0.3)) await image.header?.readExtensions?.();
    const some = await image.read(index);
    const { array, lanes } = DTYPES[image.valueDtype];
    expect(
      some.dtype === image.valueDtype && some.data.BYTES_PER_ELEMENT === array.BYTES_PER_ELEMENT,
      `read gives ${some.dtype}`,
    );
    expect(some.data.length >= some.size * lanes, "the data are too few");
    if (image.memory <= WHOLE && !image.shape.includes(0)) sameVoxels(some, await image.load(), index);
    if (isSingular(image)) return;
    const turned = image.toOrientation("RAS");
    await turned.read([0, 0, 0, 0]);
    await turned.close();
  } finally {
    await image.close();
  }
  const after = await image.read(0).then(
    () => "voxels",
    (error) => error.code,
  );
  expect(after === "ERR_CLOSED", `a closed image gives ${after}`);
}

/**
 * Tries one input.
 *
 * @param format `backends`, and `limits` where its reader takes some: `readerOptions`
 * @returns `code`: "image", or the error's; `finding`: what is wrong with that, if anything
 */
export async function attempt(input, format, random) {
  let size = 0;
  for (const bytes of input.files.values()) size += bytes.length;
  const before = process.cpuUsage();
  let code = "image";
  let finding;
  try {
    await measured(MEMORY + RATIO * Math.min(size, 2 ** 20), () => use(input, format, random));
  } catch (error) {
    code = error?.code ?? "none";
    if (!isLazyImageError(error)) finding = error?.stack ?? String(error);
    else if (!BLAMES.includes(code.slice(4))) finding = `blames the caller: ${error.stack}`;
    else if (/OverBudget|bytes were allocated/.test(`${error.message} ${error.cause?.message}`))
      finding = `over budget: ${error.stack}`;
  }
  const { user, system } = process.cpuUsage(before);
  const seconds = (user + system) / 1e6;
  const most = SECONDS + (format.limits?.timeLimit ?? 0);
  if (finding === undefined && seconds > most) finding = `slow: ${seconds.toFixed(1)} s of processor time`;
  return { code, finding };
}
