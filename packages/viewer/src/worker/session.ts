import {
  type AxisRange,
  createRequest,
  DTYPES,
  LazyImageError,
  mapAxes,
  type Range4D,
  type ReadPlan,
  type Shape4D,
  shapeOf,
  sizeOf,
  type Vector3,
} from "@lazyimg/core";
import { type Image, openImage } from "@lazyimg/image";
import type { CallContext } from "@lazyimg/worker-link";
import type { Costly, ImageInfo, PlaneData, PlaneRequest, VoxelValue } from "../protocol.js";
import { nameOf, type OpenOptions, type ViewerSource } from "../source.js";
import { budgetOf, costOf, type Distance, distanceOf, isSlow } from "./distance.js";
import { Line } from "./line.js";
import { backendsWith } from "./plugins.js";
import { indexOf, rangeOf, thickened, thinnedBox, thinnedPlane, whole } from "./regions.js";
import { requestOf } from "./request.js";
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
/** Most bytes that are read ahead at once. */
const AHEAD = 128 * MIB;
/** For the value of one voxel a region is waited for that has no more bytes than this; otherwise the voxel is read. */
const SOON = 4 * MIB;

/** A region that nobody waits for any more is read on for this long, in milliseconds. */
const LINGERS = 100;

/** A voxel for every byte of the head of a compressed file. */
const HEAD = 2 ** 16;

/** What is to be read for a plane. */
interface Wanted {
  /** Of the plane itself. */
  readonly plane: Range4D;
  /** With what comes along. */
  readonly region: Range4D;
  /** What all of it costs. */
  readonly cost: number;
  /** Where there is less: bytes that all of it would take, or that the next round has more. */
  readonly less?: Costly | { readonly more: true };
}

/** Reads one image: its planes, the regions around them that cost no more, and what it has read already. */
export class Session {
  readonly #slabs = new Slabs(KEPT);
  readonly #line = new Line();
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

  async open(
    source: ViewerSource,
    { plugins, readerOptions: given }: OpenOptions,
    { signal }: CallContext,
  ): Promise<ImageInfo> {
    const name = nameOf(source);
    const backends = await backendsWith(plugins, name);
    const [opened, options] = requestOf(source, this.#traffic);
    this.#distance = distanceOf(source);
    this.#openLevel = (level, levelSignal) => {
      const readerOptions = { ...given, ...options.readerOptions, level, cacheBytes: CHUNKS };
      return openImage(createRequest(opened, { ...options, readerOptions }), {
        ...(backends && { backends }),
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
    const costs = [0, 1, 2].map((across) => this.#costThrough(image, across)) as [number, number, number];
    return {
      name,
      levels: dataobj.levels?.map((level) => ({ shape: level.shape, affine: level.affine })) ?? [
        { shape, affine },
      ],
      dtype,
      valueDtype,
      isColour: (numChannels === 3 || numChannels === 4) && dtype === "uint8" && valueDtype === "uint8",
      window: hasWindow ? [calMin, calMax] : null,
      costs,
      slow: costs.map((cost) => isSlow(cost, this.#distance)),
    };
  }

  async plane(request: PlaneRequest, context: CallContext): Promise<PlaneData | Costly> {
    const image = await this.#level(request.level);
    const range = rangeOf(request, image.shape);
    if (range === null) return blank(image.valueDtype, request);
    const kept = this.#kept(range, request);
    if (kept !== undefined) return sample(await kept.join(lingering(context.signal)), image.shape, request);
    const wanted = this.#wanted(image, range, request);
    if (!("region" in wanted)) return wanted;
    const slab = await this.#read(image, wanted, request, context);
    return { ...sample(slab, image.shape, request), ...wanted.less };
  }

  /** Reads what a plane takes, unless that is much. */
  async warm(request: PlaneRequest, context: CallContext): Promise<null> {
    const image = await this.#level(request.level);
    const range = rangeOf(request, image.shape);
    if (range === null || this.#kept(range, request) !== undefined) return null;
    const wanted = this.#wanted(image, range, request);
    if ("region" in wanted && this.#bytes(image, wanted.region) <= AHEAD)
      await this.#read(image, wanted, request, context);
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
    const found = await this.#slabs.find(0, range, SOON)?.join(signal);
    const region: Range4D = found?.range ?? range;
    const tensor = found?.tensor ?? (await image.read(indexOf(range), { signal }));
    const at = range.map(({ start }, axis) => (start - region[axis]!.start) / region[axis]!.step);
    return Array.from(
      { length: range[0].size },
      (_, n) => tensor.at(at[0]! + n, at[1]!, at[2]!, at[3]!) as VoxelValue,
    );
  }

  /** What holds all of a plane, or is about to; for a quick one, only what is there. */
  #kept(range: Range4D, { level, effort }: PlaneRequest): ReturnType<Slabs["find"]> {
    return this.#slabs.find(level, range, effort === "quick" ? 0 : Number.POSITIVE_INFINITY);
  }

  #read(
    image: Image,
    { plane, region, cost }: Wanted,
    { level }: PlaneRequest,
    { signal, onProgress }: CallContext,
  ): Promise<Slab> {
    const own = costOf(this.#plan(image, region), this.#distance);
    const wait = isSlow(own, this.#distance) ? cost : 0;
    const work =
      this.#slabs.find(level, plane) ??
      this.#slabs.add(level, region, bytesOf(image, region), (shared) =>
        this.#line.run(wait, shared, () => image.read(indexOf(region), { signal: shared, onProgress })),
      );
    return work.join(lingering(signal));
  }

  /** As much of a plane as may be read for it now, and what comes along for little more. */
  #wanted(image: Image, range: Range4D, request: PlaneRequest): Wanted | Costly {
    const measure = (part: Range4D): number => costOf(this.#plan(image, part), this.#distance);
    const { across, effort } = request;
    const cost = measure(range);
    const bytes = this.#bytes(image, range);
    const { now, most } = budgetOf(request, this.#distance);
    if (across === null) {
      const plane = thinnedBox(range, bytesOf(image, range) / SLAB);
      const isTooMuch = effort !== "quick" && this.#bytes(image, plane) > most;
      return isTooMuch ? { costly: bytes } : { plane, region: plane, cost };
    }
    const axis = across + 1;
    const thinned = (budget: number): Range4D =>
      effort === "quick" || bytes > budget ? thinnedPlane(range, axis, measure, budget) : range;
    let plane = thinned(now);
    let less: Wanted["less"];
    // Where leaving rows out saves little, there are no rounds.
    const isWorth = measure(plane) <= Math.min(2 * now, cost / 2);
    if (effort !== "quick" && bytes > now) {
      if (now < most && isWorth) less = { more: true };
      else {
        plane = thinned(most);
        if (this.#bytes(image, plane) > most) return { costly: bytes };
        if (bytes > most) less = { costly: bytes };
      }
    }
    const thickest = Math.max(1, Math.floor(SLAB / Math.max(1, bytesOf(image, plane))));
    const region = thickened(plane, { axis, size: image.shape[axis]! }, thickest, measure);
    return { plane, region, cost, ...(less && { less }) };
  }

  /** Bytes that reading a range takes, as far as that is known. */
  #bytes(image: Image, range: Range4D): number {
    return this.#plan(image, range)?.bytes ?? 0;
  }

  #plan(image: Image, range: Range4D): ReadPlan | undefined {
    return image.explain(indexOf(range));
  }

  /** What a plane through the middle costs. */
  #costThrough(image: Image, across: number): number {
    const range = mapAxes(image.shape, (size, axis) =>
      axis === across + 1 ? { start: size >> 1, step: 1, size: 1 } : whole(axis === 0 ? 1 : size),
    );
    return costOf(this.#plan(image, range), this.#distance);
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
}

/** Aborts some moments later: the plane that is wanted instead may be in the same region. */
function lingering(signal: AbortSignal): AbortSignal {
  const later = new AbortController();
  const abort = (): void => void setTimeout(() => later.abort(signal.reason), LINGERS);
  if (signal.aborted) later.abort(signal.reason);
  else signal.addEventListener("abort", abort, { once: true });
  return later.signal;
}

/** Bytes of a range in memory. */
const bytesOf = ({ valueDtype }: Image, range: Range4D): number =>
  sizeOf(shapeOf(range)) * DTYPES[valueDtype].itemSize;

/** A voxel that lies beyond what is inflated to read a header, but not far, in an image whose axis I is the fastest. */
function behindHead([, i, j, k]: Shape4D): [c: number, i: number, j: number, k: number] {
  const n = Math.min(HEAD, i * j * k - 1);
  return [0, n % i, Math.floor(n / i) % j, Math.floor(n / (i * j))];
}
