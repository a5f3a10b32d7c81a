import {
  type AxisRange,
  type ByteSource,
  createRequest,
  DTYPES,
  type ImageSource,
  LazyImageError,
  mapAxes,
  type Range4D,
  type ReadPlan,
  type RequestOptions,
  type Shape4D,
  type Slice,
  shapeOf,
  sizeOf,
  slice,
  type Vector3,
  type ZarrStore,
} from "@lazyimg/core";
import { type Image, openImage } from "@lazyimg/image";
import type { Costly, ImageInfo, PlaneData, PlaneRequest, VoxelValue } from "../protocol.js";
import type { CallContext } from "../rpc.js";
import { nameOf, type ViewerSource } from "../source.js";
import { backendsFor } from "./formats.js";
import { blank, sample } from "./sample.js";
import { type Slab, Slabs } from "./slabs.js";
import type { Traffic } from "./traffic.js";

const MIB = 2 ** 20;
/** Most bytes of voxels that are kept. */
const KEPT = 192 * MIB;
/** Most bytes of one region. */
const SLAB = 64 * MIB;
/** Most bytes of decoded chunks that a backend with chunks keeps for a level. */
const CHUNKS = 64 * MIB;
/** Where an image is read from: a file, a server on this machine, or one across a network. */
type Distance = "file" | "machine" | "network";
/** Most bytes that are read for a plane unasked. */
const UNASKED: Readonly<Record<Distance, number>> = {
  file: 1024 * MIB,
  machine: 1024 * MIB,
  network: 64 * MIB,
};
/** What a request costs, as bytes that could have been read meanwhile. */
const REQUEST: Readonly<Record<Distance, number>> = { file: MIB / 16, machine: MIB / 4, network: MIB / 8 };
/** How much more a thicker region may cost. */
const LITTLE_MORE = 1.25;
/** Regions of planes along no axes are rounded to this, so that the next plane finds them. */
const ROUNDED = 32;

/** A voxel for every byte of the head of a compressed file. */
const HEAD = 2 ** 16;

const indexOf = (range: Range4D): Slice[] =>
  range.map(({ start, step, size }) => slice(start, start + size * step, step));

const whole = (size: number): AxisRange => ({ start: 0, step: 1, size });

/** Reads one image: its planes, the regions around them that cost no more, and what it has read already. */
export class Session {
  readonly #slabs = new Slabs(KEPT);
  readonly #levels = new Map<number, Promise<Image>>();
  readonly #traffic: Traffic;
  #openLevel: (level: number, signal?: AbortSignal) => Promise<Image> = async () => {
    throw new LazyImageError("ERR_CLOSED", "No image is open.");
  };
  #distance: Distance = "file";

  constructor(traffic: Traffic) {
    this.#traffic = traffic;
  }

  /** Bytes of voxels that are kept. */
  get cached(): number {
    return this.#slabs.bytes;
  }

  async open(source: ViewerSource, { signal }: CallContext): Promise<ImageInfo> {
    const name = nameOf(source);
    const backends = await backendsFor(name);
    const [opened, options] = this.#requestOf(source);
    this.#distance = distanceOf(source);
    this.#openLevel = (level, levelSignal) => {
      const readerOptions = { ...options.readerOptions, level, cacheBytes: CHUNKS };
      return openImage(createRequest(opened, { ...options, readerOptions }), {
        backends,
        signal: levelSignal,
      });
    };
    const image = await this.#openLevel(0, signal);
    this.#levels.set(0, Promise.resolve(image));
    const { shape, affine, dtype, valueDtype, header, numChannels, dataobj } = image;
    if (sizeOf(shape) === 0) {
      throw new LazyImageError(
        "ERR_UNSUPPORTED",
        `${name} has no voxels: its shape is (${shape.join(", ")}).`,
      );
    }
    // An index beside a compressed file is looked for with the first voxel behind its head; what reading costs depends
    // on it.
    if (/gz$/i.test(name)) await image.read(behindHead(shape), { signal });
    const { calMin, calMax } = (header ?? {}) as { calMin?: unknown; calMax?: unknown };
    const hasWindow = typeof calMin === "number" && typeof calMax === "number" && calMin < calMax;
    return {
      name,
      levels: dataobj.levels?.map((level) => ({ shape: level.shape, affine: level.affine })) ?? [
        { shape, affine },
      ],
      dtype,
      valueDtype,
      isColour: (numChannels === 3 || numChannels === 4) && dtype === "uint8" && valueDtype === "uint8",
      window: hasWindow ? [calMin, calMax] : null,
      costs: [this.#costThrough(image, 0), this.#costThrough(image, 1), this.#costThrough(image, 2)],
    };
  }

  async plane(request: PlaneRequest, context: CallContext): Promise<PlaneData | Costly> {
    const image = await this.#level(request.level);
    const range = rangeOf(request, image.shape);
    if (range === null) return blank(image.valueDtype, request);
    const slab = await this.#slab(image, range, request, context);
    return "costly" in slab ? slab : sample(slab.tensor, slab.range, request);
  }

  async warm(request: PlaneRequest, context: CallContext): Promise<null> {
    const image = await this.#level(request.level);
    const range = rangeOf(request, image.shape);
    if (range !== null) await this.#slab(image, range, request, context);
    return null;
  }

  async value(
    [i, j, k]: Vector3,
    channel: number | null,
    { signal }: CallContext,
  ): Promise<readonly VoxelValue[]> {
    const image = await this.#level(0);
    const [channels] = image.shape;
    const one = (start: number): AxisRange => ({ start, step: 1, size: 1 });
    const range: Range4D = [channel === null ? whole(channels) : one(channel), one(i), one(j), one(k)];
    const found = await this.#slabs.find(0, range)?.join(signal);
    const region: Range4D = found?.range ?? range;
    const tensor = found?.tensor ?? (await image.read(indexOf(range), { signal }));
    const at = range.map(({ start }, axis) => (start - region[axis]!.start) / region[axis]!.step);
    return Array.from(
      { length: range[0].size },
      (_, n) => tensor.at(at[0]! + n, at[1]!, at[2]!, at[3]!) as VoxelValue,
    );
  }

  /** The region that holds `range`: what is kept, or else what can be read for little more. */
  async #slab(
    image: Image,
    range: Range4D,
    { level, across, eager }: PlaneRequest,
    { signal, onProgress }: CallContext,
  ): Promise<Slab | Costly> {
    const kept = this.#slabs.find(level, range);
    if (kept !== undefined) return kept.join(signal);
    const region = this.#regionFor(image, range, across);
    const bytes = image.explain(indexOf(region))?.bytes ?? 0;
    if (bytes > UNASKED[this.#distance] && !eager) return { costly: bytes };
    const work = this.#slabs.add(level, region, (shared) =>
      image.read(indexOf(region), { signal: shared, onProgress }),
    );
    return work.join(signal);
  }

  #regionFor(image: Image, range: Range4D, across: number | null): Range4D {
    const bytesOf = (region: Range4D): number => sizeOf(shapeOf(region)) * DTYPES[image.valueDtype].itemSize;
    if (across === null) return thinned(range, bytesOf(range) / SLAB);
    const axis = across + 1;
    const cost = (region: Range4D): number => this.#cost(image.explain(indexOf(region)));
    const least = cost(range);
    const size = image.shape[axis]!;
    const most = Math.max(1, Math.floor(SLAB / Math.max(1, bytesOf(range))));
    for (let thickness = Math.min(size, most); thickness > 1; thickness = Math.floor(thickness / 2)) {
      const start = Math.floor(range[axis]!.start / thickness) * thickness;
      const thick = mapAxes(range, (own, n) =>
        n === axis ? { start, step: 1, size: Math.min(thickness, size - start) } : own,
      );
      if (cost(thick) <= LITTLE_MORE * least) return thick;
    }
    return range;
  }

  /** What a plane through the middle costs. */
  #costThrough(image: Image, across: number): number {
    const range = mapAxes(image.shape, (size, axis) =>
      axis === across + 1 ? { start: size >> 1, step: 1, size: 1 } : whole(axis === 0 ? 1 : size),
    );
    return this.#cost(image.explain(indexOf(range)));
  }

  /** Without a plan, what is asked for is all that is read. */
  #cost(plan: ReadPlan | undefined): number {
    return plan === undefined
      ? Number.POSITIVE_INFINITY
      : plan.bytes + plan.requests * REQUEST[this.#distance];
  }

  async #level(level: number): Promise<Image> {
    let image = this.#levels.get(level);
    if (image === undefined) {
      image = this.#openLevel(level);
      this.#levels.set(level, image);
      // What failed may be tried again.
      image.catch(() => this.#levels.delete(level));
    }
    return image;
  }

  #requestOf(source: ViewerSource): [ImageSource, RequestOptions] {
    const traffic = this.#traffic;
    if (source.kind === "url") {
      return [source.url, { fetch: traffic.fetch, readerOptions: { headers: source.headers } }];
    }
    const { name, files } = source;
    if (source.kind === "zarr") {
      traffic.expect(
        name,
        [...files.values()].reduce((sum, { size }) => sum + size, 0),
      );
      return [storeOf(files, traffic), { name }];
    }
    const sibling = async (other: string): Promise<ByteSource | null> => {
      const file = files.get(other);
      return file === undefined ? null : traffic.source(file, other);
    };
    return [traffic.source(files.get(name)!, name), { name, sibling }];
  }
}

/** A voxel that lies beyond what is inflated to read a header, but not far, in an image whose axis I is the fastest. */
function behindHead([, i, j, k]: Shape4D): [c: number, i: number, j: number, k: number] {
  const n = Math.min(HEAD, i * j * k - 1);
  return [0, n % i, Math.floor(n / i) % j, Math.floor(n / (i * j))];
}

/** The files of a hierarchy as a Zarr store. */
function storeOf(files: ReadonlyMap<string, Blob>, traffic: Traffic): ZarrStore {
  const file = (key: string): Blob | undefined => files.get(key.replace(/^\//, ""));
  return {
    async get(key: string) {
      const found = file(key);
      return found && traffic.whole(found);
    },
    async getRange(key: string, range: { offset: number; length: number } | { suffixLength: number }) {
      const found = file(key);
      if (found === undefined) return undefined;
      return traffic.whole(
        "suffixLength" in range
          ? found.slice(-range.suffixLength)
          : found.slice(range.offset, range.offset + range.length),
      );
    },
  } as ZarrStore;
}

function distanceOf(source: ViewerSource): Distance {
  if (source.kind !== "url") return "file";
  const { hostname } = new URL(source.url);
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname) ? "machine" : "network";
}

/** The voxels that a plane needs; `null` where it passes the image by. */
function rangeOf({ width, height, toVoxel, across, channel }: PlaneRequest, shape: Shape4D): Range4D | null {
  const corners = [0, width - 1].flatMap((x) => [0, height - 1].map((y) => [x, y] as const));
  const range = mapAxes(shape, (size, axis): AxisRange => {
    if (axis === 0) return channel === null ? whole(size) : { start: channel, step: 1, size: 1 };
    const [ax, ay, a] = toVoxel.slice(3 * axis - 3, 3 * axis) as [number, number, number];
    const places = corners.map(([x, y]) => Math.round(ax * x + ay * y + a));
    const block = across === null ? ROUNDED : 1;
    const start = Math.max(0, Math.floor(Math.min(...places) / block) * block);
    const stop = Math.min(size, (Math.floor(Math.max(...places) / block) + 1) * block);
    return { start, step: 1, size: Math.max(0, stop - start) };
  });
  return sizeOf(shapeOf(range)) === 0 ? null : range;
}

/** Every so manieth voxel of a range that is `times` too large. */
function thinned(range: Range4D, times: number): Range4D {
  const step = Math.ceil(Math.cbrt(Math.max(1, times)));
  return mapAxes(range, (own, axis) =>
    axis === 0 || own.size < step ? own : { start: own.start, step, size: Math.ceil(own.size / step) },
  );
}
