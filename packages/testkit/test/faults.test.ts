import {
  type BackendDriver,
  createAffine,
  type DType,
  type ImageDataBackend,
  type Index,
  LazyImageError,
  type ReadOptions,
  resolveIndex,
  shapeOf,
  Tensor,
} from "@lazyimg/core";
import {
  type Capabilities,
  type CountingSource,
  countingSource,
  type Subject,
  volume,
} from "@lazyimg/testkit";
import { expect, test } from "vitest";
import { collect } from "./fixtures/collect.js";
import { openPlaneFile, type PlaneOptions, planeFile } from "./fixtures/plane-file.js";

const shape = [2, 13, 12, 11] as const;
const { tensor, affine } = volume({ dtype: "int16", shape });
const file = planeFile(tensor, affine);

/** What is opened here reads from a file. */
interface PlaneSubject extends Subject {
  readonly source: CountingSource;
}

interface Fault extends PlaneOptions {
  /** What is wrong. */
  readonly fault: string;
  /** Rules that find it: parts of their names. Others may, too. */
  readonly found: readonly string[];
  readonly supports?: Capabilities;
  /** Changes the backend. */
  readonly wrap?: (backend: ImageDataBackend, subject: PlaneSubject) => ImageDataBackend;
  /** Changes what the suite is told. */
  readonly tell?: (subject: PlaneSubject) => Subject;
}

/** The same backend with another `read`. */
function reading(
  read: (backend: ImageDataBackend, index: Index | undefined, options: ReadOptions) => Promise<Tensor>,
): (backend: ImageDataBackend) => ImageDataBackend {
  return (backend) => ({
    ...backend,
    read: ((index?: Index, options: ReadOptions = {}) =>
      read(backend, index, options)) as ImageDataBackend["read"],
    toTensor: ((options: ReadOptions = {}) =>
      read(backend, undefined, options)) as ImageDataBackend["toTensor"],
  });
}

const keepSteps = (index: Index | undefined, change: (step: number) => number): Index =>
  resolveIndex(index, shape).map(({ start, step, size }) => {
    const to = change(step);
    const first = step < 0 && to > 0 ? start + step * (size - 1) : start;
    const stop = first + to * size;
    return size === 0
      ? { start: 0, stop: 0, step: 1 }
      : { start: first, stop: stop < 0 ? null : stop, step: to };
  });

const without = (options: ReadOptions, ...names: (keyof ReadOptions)[]): ReadOptions =>
  Object.fromEntries(Object.entries(options).filter(([name]) => !names.includes(name as keyof ReadOptions)));

const region =
  (
    change: BackendDriver["readRegion"] extends (...a: infer A) => infer R
      ? (read: BackendDriver["readRegion"], ...args: A) => R
      : never,
  ) =>
  (driver: BackendDriver): BackendDriver => ({
    ...driver,
    readRegion: (range, context) => change(driver.readRegion, range, context),
  });

const whole = "every kind of index gives that region of the full tensor";

const faults: readonly Fault[] = [
  {
    fault: "an integer drops its axis",
    found: ["an integer keeps its axis"],
    wrap: reading(async (backend, index, options) => {
      const result = await backend.read(index, options);
      if (typeof index !== "number") return result;
      return Object.assign(Object.create(result) as Tensor, { shape: result.shape.slice(1) });
    }),
  },
  {
    fault: "the shape lacks the channel axis",
    found: ["shape is (C, I, J, K)", "isImageDataBackend"],
    wrap: (backend) => ({ ...backend, shape: backend.shape.slice(1) as never }),
  },
  {
    fault: "I and J are swapped",
    found: ["toTensor() gives every voxel", whole],
    wrap: reading(async (backend, index, options) => {
      const all = await backend.read("...", without(options, "out"));
      const [c, i, j, k] = all.strides;
      const { data, dtype, offset } = all;
      const swapped = new Tensor({ data, dtype, offset, shape: [2, 12, 13, 11], strides: [c, j, i, k] });
      return swapped.slice(index ?? "...");
    }),
  },
  {
    fault: "the affine's x is flipped",
    found: ["affine is 16 finite numbers"],
    wrap: (backend) => ({
      ...backend,
      affine: createAffine(backend.affine.map((value, n) => (n < 4 ? -value : value))),
    }),
  },
  {
    fault: "the affine is column-major",
    found: ["affine is 16 finite numbers"],
    wrap: (backend) => ({
      ...backend,
      affine: Object.freeze(backend.affine.map((_, n, all) => all[(n % 4) * 4 + (n >> 2)]!)),
    }),
  },
  {
    fault: "the affine can be written to",
    found: ["affine is 16 finite numbers"],
    wrap: (backend) => ({ ...backend, affine: [...backend.affine] }),
  },
  {
    fault: "the wrong dtype is told",
    found: ["dtype is that of the stored voxels"],
    wrap: (backend) => ({ ...backend, dtype: "uint16" }),
  },
  {
    fault: "the wrong dtype is read",
    found: ["toTensor() gives every voxel", whole],
    wrap: reading(async (backend, index, options) =>
      (await backend.read(index, without(options, "out"))).astype<DType>(options.dtype ?? "int32"),
    ),
  },
  {
    fault: "valueDtype is forgotten",
    found: ["valueDtype, where given"],
    scaling: { slope: 2, inter: 1 },
    wrap: (backend) => ({ ...backend, valueDtype: undefined }),
  },
  {
    fault: "the intercept is forgotten",
    found: ["toTensor() gives every voxel", "dtype converts"],
    scaling: { slope: 2, inter: 1 },
    change: (driver) => ({ ...driver, scaling: { slope: 2, inter: 0 } }),
  },
  {
    fault: "scaled: false is ignored",
    found: ["scaled: false gives the stored voxels"],
    scaling: { slope: 2, inter: 1 },
    wrap: reading((backend, index, options) => backend.read(index, without(options, "scaled"))),
  },
  {
    fault: "dtype is ignored",
    found: ["dtype converts as numpy's astype", "an unknown dtype rejects"],
    wrap: reading((backend, index, options) => backend.read(index, without(options, "dtype", "out"))),
  },
  {
    fault: "casts saturate instead of wrapping",
    found: ["dtype converts as numpy's astype"],
    wrap: reading(async (backend, index, options) => {
      const result = await backend.read(index, options);
      if (options.dtype !== "uint8") return result;
      const clamped = Uint8Array.from(
        Uint8ClampedArray.from((await backend.read(index)).copy().data as Int16Array),
      );
      return new Tensor({ data: clamped, dtype: "uint8", shape: result.shape });
    }),
  },
  {
    fault: "regions begin one voxel late",
    found: [whole, "every voxel plane along every axis"],
    change: region((read, [c, i, j, k], context) =>
      read([c, i, j, k.start > 0 && k.start + k.size < 11 ? { ...k, start: k.start + 1 } : k], context),
    ),
  },
  {
    fault: "the last plane is off by one",
    found: [whole, "every voxel plane along every axis"],
    change: region((read, [c, i, j, k], context) =>
      read([c, i, j.start === 11 ? { ...j, start: 10 } : j, k], context),
    ),
  },
  {
    fault: "regions are one voxel short",
    found: [whole, "toTensor() gives every voxel"],
    change: region(async (read, range, context) =>
      (await read(range, context)).slice([
        "...",
        { start: 0, stop: Math.max(1, range[3].size - 1), step: 1 },
      ]),
    ),
  },
  {
    fault: "channels are ignored",
    found: [whole],
    change: region((read, [c, i, j, k], context) => read([{ ...c, start: 0 }, i, j, k], context)),
  },
  {
    fault: "negative steps are ignored",
    found: [whole],
    wrap: reading((backend, index, options) => backend.read(keepSteps(index, Math.abs), options)),
  },
  {
    fault: "steps are ignored",
    found: [whole],
    wrap: reading(async (backend, index, options) => {
      resolveIndex(index, shape);
      return await backend.read(
        keepSteps(index, () => 1),
        options,
      );
    }),
  },
  {
    fault: "integers are clipped instead of refused",
    found: ["a bad index rejects"],
    wrap: reading((backend, index, options) =>
      backend.read(typeof index === "number" ? Math.min(index, 1) : index, options),
    ),
  },
  {
    fault: "errors have no code",
    found: ["a bad index rejects"],
    wrap: reading(async (backend, index, options) => {
      try {
        return await backend.read(index, options);
      } catch (error) {
        throw error instanceof LazyImageError ? new RangeError(error.message) : error;
      }
    }),
  },
  {
    fault: "bad indices throw instead of rejecting",
    found: ["a bad index rejects"],
    wrap: reading((backend, index, options) => {
      resolveIndex(index, shape);
      return backend.read(index, options);
    }),
  },
  {
    fault: "an empty region rejects",
    found: ["an empty region has its shape"],
    wrap: reading((backend, index, options) =>
      shapeOf(resolveIndex(index, shape)).includes(0)
        ? Promise.reject(new LazyImageError("ERR_INDEX", "nothing to read"))
        : backend.read(index, options),
    ),
  },
  {
    fault: "a cache hands out its own memory",
    found: ["what read() gives is the caller's own memory"],
    wrap: (backend) => {
      let cached: Promise<Tensor> | undefined;
      return reading(async (inner, index, options) => {
        if (Object.keys(options).length > 0 || index === undefined) return inner.read(index, options);
        cached ??= inner.read();
        return (await cached).slice(index);
      })(backend);
    },
  },
  {
    fault: "toTensor hands out the same memory twice",
    found: ["what toTensor() gives is memory that nobody else holds"],
    wrap: (backend) => {
      let cached: Promise<Tensor> | undefined;
      const toTensor = (options: ReadOptions = {}) => {
        if (Object.keys(options).length > 0) return backend.toTensor(options);
        cached ??= backend.toTensor();
        return cached;
      };
      return { ...backend, toTensor: toTensor as ImageDataBackend["toTensor"] };
    },
  },
  {
    fault: "out is kept as a cache",
    found: ["out is not kept"],
    wrap: (backend) => {
      let cached: Tensor | undefined;
      return reading(async (inner, index, options) => {
        if (cached && Object.keys(options).length === 0) return cached.slice(index ?? "...").copy();
        const result = await inner.read(index, options);
        if (options.out && index === "..." && !options.dtype && options.scaled !== false) cached = result;
        return result;
      })(backend);
    },
  },
  {
    fault: "out is ignored",
    found: ["out is filled in C order", "out may lie in a SharedArrayBuffer", "out of another length"],
    wrap: reading((backend, index, options) => backend.read(index, without(options, "out"))),
  },
  {
    fault: "out is filled in F order",
    found: ["out is filled in C order"],
    wrap: reading(async (backend, index, options) => {
      const result = await backend.read(index, options);
      if (options.out === undefined || result.size === 0) return result;
      options.out.set(result.copy("F").data as never);
      const { dtype, shape } = result;
      return new Tensor({ data: options.out, dtype, shape, strides: result.copy("F").strides });
    }),
  },
  {
    fault: "out's whole buffer is written to",
    found: ["out may be a part of a larger array"],
    wrap: reading(async (backend, index, options) => {
      const result = await backend.read(index, options);
      if (options.out) new Uint8Array(options.out.buffer)[0] = 1;
      return result;
    }),
  },
  {
    fault: "the signal is swallowed",
    found: ["a signal that was aborted before", "an abort during a read", "an abort reaches the source"],
    wrap: reading((backend, index, options) => backend.read(index, without(options, "signal"))),
  },
  {
    fault: "the signal is looked at before reading only",
    found: ["an abort during a read", "an abort reaches the source"],
    wrap: reading(async (backend, index, options) => {
      options.signal?.throwIfAborted();
      return await backend.read(index, without(options, "signal"));
    }),
  },
  {
    fault: "the signal never reaches the source",
    found: ["an abort reaches the source"],
    change: region((read, range, context) => read(range, { ...context, signal: undefined })),
  },
  {
    fault: "an abort rejects with an error of the backend's own",
    found: ["a signal that was aborted before", "an abort during a read"],
    wrap: reading(async (backend, index, options) => {
      try {
        return await backend.read(index, options);
      } catch (error) {
        if (options.signal?.aborted) throw new DOMException("stopped", "AbortError");
        throw error;
      }
    }),
  },
  {
    fault: "one reader's abort fails the read that others share",
    found: ["an aborted read leaves the others"],
    wrap: (backend) => {
      let shared: Promise<Tensor> | undefined;
      return reading(async (inner, index, options) => {
        if (options.dtype || options.out || options.scaled === false) return inner.read(index, options);
        options.signal?.throwIfAborted();
        shared ??= inner.read("...", { signal: options.signal }).finally(() => {
          shared = undefined;
        });
        const all = await shared;
        options.signal?.throwIfAborted();
        return all.slice(index ?? "...").copy();
      })(backend);
    },
  },
  {
    fault: "a failed read is remembered",
    found: ["an aborted read leaves the others"],
    wrap: (backend) => {
      let failed: unknown;
      return reading(async (inner, index, options) => {
        if (failed !== undefined && options.signal === undefined) throw failed;
        return await inner.read(index, options).catch((error: unknown) => {
          failed = error;
          throw error;
        });
      })(backend);
    },
  },
  {
    fault: "overlapping reads share a scratch buffer",
    found: ["many overlapping reads"],
    change: (driver) => {
      const scratch = new Int16Array(tensor.size);
      return {
        ...driver,
        async readRegion(range, context) {
          const { data, dtype, shape, strides, offset } = await driver.readRegion(range, context);
          scratch.set(data as Int16Array);
          await Promise.resolve();
          await new Promise((resolve) => setTimeout(resolve, 0));
          const mine = scratch.slice(0, data.length);
          return new Tensor({ data: mine, dtype: dtype as "int16", shape, strides, offset });
        },
      };
    },
  },
  {
    fault: "opening reads everything",
    found: ["opening reads the header and no more"],
    wrap: (backend, { source }) => {
      source.read(0, file.length).catch(() => undefined);
      return backend;
    },
  },
  {
    fault: "every read reads everything",
    found: ["one voxel takes less", "a read costs no more than explain() told"],
    change: (driver, source) =>
      region(async (read, range, context) => {
        await source.read(0, file.length, { signal: context.signal });
        return await read(range, context);
      })(driver),
  },
  {
    fault: "an empty region is read",
    found: ["an empty region reads nothing"],
    wrap: reading(async (backend, index, options) => {
      await backend.read([0, 0, 0, 0]);
      return await backend.read(index, options);
    }),
  },
  {
    fault: "metadata are read when looked at",
    found: ["metadata cost nothing"],
    wrap: (backend, { source }) =>
      Object.defineProperty({ ...backend }, "header", {
        get: () => source.read(0, 8).catch(() => undefined),
        enumerable: true,
      }),
  },
  {
    fault: "explain counts one byte too few",
    found: ["a read costs no more than explain() told"],
    change: (driver) => ({
      ...driver,
      plan: (range) => ({ ...driver.plan!(range), bytes: driver.plan!(range).bytes - 1 }),
    }),
  },
  {
    fault: "explain counts one request for all",
    found: ["a read costs no more than explain() told"],
    change: (driver) => ({ ...driver, plan: (range) => ({ ...driver.plan!(range), requests: 1 }) }),
  },
  {
    fault: "explain ignores casts",
    found: ["explain() tells the output's size"],
    wrap: (backend) => ({ ...backend, explain: (index) => backend.explain!(index) }),
  },
  {
    fault: "explain does not know",
    found: ["explain() tells the output's size"],
    change: (driver) => ({
      ...driver,
      plan: (range) => ({ ...driver.plan!(range), bytes: Number.POSITIVE_INFINITY }),
    }),
  },
  {
    fault: "explain forgets the result's memory",
    found: ["explain() tells the output's size"],
    change: (driver) => ({ ...driver, plan: (range) => ({ ...driver.plan!(range), peakBytes: 0 }) }),
  },
  {
    fault: "explain takes any index",
    found: ["explain() of a bad index"],
    wrap: (backend) => ({ ...backend, explain: () => backend.explain!() }),
  },
  {
    fault: "progress passes its total",
    found: ["onProgress, where it is called"],
    change: region((read, range, context) => {
      context.onProgress?.({ bytes: 2, totalBytes: 1 });
      return read(range, context);
    }),
  },
  {
    fault: "closing does nothing",
    found: ["after close(), reads reject"],
    wrap: (backend) => ({ ...backend, close: async () => {} }),
  },
  {
    fault: "closing twice fails",
    found: ["close() twice is no event"],
    wrap: (backend) => {
      let closed = false;
      return {
        ...backend,
        async close() {
          if (closed) throw new Error("already closed");
          closed = true;
          await backend.close!();
        },
      };
    },
  },
  {
    fault: "levels are listed from the coarsest",
    found: ["levels, where there are any"],
    wrap: (backend) => {
      const level = (size: number) => ({
        shape: [2, size, size, size] as const,
        affine,
        spacing: [1, 1, 1] as const,
        bytes: size ** 3,
      });
      return { ...backend, levels: [level(4), level(8)] };
    },
  },
  {
    fault: "explain is there, but declared missing",
    found: ["optional members are there as declared"],
    supports: { explain: false },
  },
  {
    fault: "explain is declared, but missing",
    found: ["optional members are there as declared"],
    wrap: ({ explain: _, ...backend }) => backend,
  },
  {
    fault: "close is there, but declared missing",
    found: ["optional members are there as declared"],
    supports: { close: false },
  },
  {
    fault: "close is declared, but missing",
    found: ["optional members are there as declared"],
    wrap: ({ close: _, ...backend }) => backend,
  },
  {
    fault: "no source is given",
    found: ["the source can be counted"],
    tell: ({ source: _, ...subject }) => subject as Subject,
  },
  {
    fault: "a file is read, but a tensor is given as its source",
    found: ["an image in memory shows"],
    tell: (subject) => ({ ...subject, source: tensor.copy() }),
  },
  {
    fault: "an image is declared eager, but voxels are read when they are asked for",
    found: ["opening reads the header", "an eager image reads nothing later"],
    supports: { eager: true },
  },
  {
    fault: "an image in memory is declared eager",
    found: ["opening reads the header"],
    supports: { eager: true },
    tell: (subject) => ({ ...subject, source: tensor.copy() }),
  },
  {
    fault: "an eager image reads all of its file, and then again what is asked for",
    found: ["an eager image reads nothing later"],
    supports: { eager: true },
    wrap: (backend, { source }) => {
      source.read(0, file.length).catch(() => undefined);
      return backend;
    },
  },
  {
    fault: "an estimate is never exceeded",
    found: ["a read costs no more than explain() told"],
    supports: { explain: "estimate" },
  },
  {
    fault: "what was read before costs more than the estimate",
    found: ["a read costs no more than explain() told"],
    supports: { explain: "estimate" },
    change: (driver) => ({
      ...driver,
      plan: (range) => ({ ...driver.plan!(range), bytes: driver.plan!(range).bytes - 1 }),
    }),
  },
  {
    fault: "an estimate is exceeded by more than there is",
    found: ["a read costs no more than explain() told"],
    supports: { explain: "estimate" },
    change: (driver, source) =>
      region(async (read, range, context) => {
        await source.read(0, file.length);
        return await read(range, context);
      })(driver),
  },
  {
    fault: "explain tells more of a part than of everything",
    found: ["explain() tells of a part"],
    change: (driver) => ({
      ...driver,
      plan: (range) => ({ ...driver.plan!(range), bytes: 2 * file.length - driver.plan!(range).bytes }),
    }),
  },
  {
    fault: "an aborted read goes on behind its reader's back",
    found: ["an abort reaches the source"],
    change: (driver, source) => ({
      ...driver,
      readRegion: (range, { signal }) =>
        new Promise((resolve, reject) => {
          signal?.addEventListener("abort", () => reject(signal.reason));
          const inPieces = async () => {
            for (let n = 0; n < 100; n++) await source.read(n, 1);
            return driver.readRegion(range, {});
          };
          inPieces().then(resolve, reject);
        }),
    }),
  },
  {
    fault: "a closed image still asks its source",
    found: ["after close(), reads reject"],
    wrap: (backend, { source }) =>
      reading((_, index, options) => {
        source.read(0, 8).catch(() => undefined);
        return backend.read(index, options);
      })(backend),
  },
  {
    fault: "scaled: true gives stored values",
    found: ["scaled: true is the default"],
    scaling: { slope: 2, inter: 1 },
    wrap: reading((backend, index, options) =>
      backend.read(index, options.scaled === true ? { ...options, scaled: false } : options),
    ),
  },
  {
    fault: "casts are kept, and given to everybody",
    found: ["a cast or raw read is no less the caller's own"],
    wrap: (backend) => {
      const kept = new Map<DType, Promise<Tensor>>();
      return reading((_, index, options) => {
        const { dtype, out } = options;
        if (dtype === undefined || index !== "..." || out !== undefined) return backend.read(index, options);
        const cast = kept.get(dtype) ?? backend.read("...", { dtype });
        kept.set(dtype, cast);
        return cast;
      })(backend);
    },
  },
  {
    fault: "of more than eight reads at a time the others get nothing",
    found: ["the same read many times at once"],
    wrap: (backend) => {
      let reads = 0;
      return reading(async (_, index, options) => {
        const late = ++reads > 8;
        const result = await backend.read(index, options);
        reads--;
        if (late) result.data.fill(0 as never);
        return result;
      })(backend);
    },
  },
  {
    fault: "close() during a read makes it end with zeros",
    found: ["close() during a read"],
    wrap: (backend) => {
      let closed = false;
      const cut = reading(async (_, index, options) => {
        const result = await backend.read(index, options);
        if (closed) result.data.fill(0 as never);
        return result;
      })(backend);
      return {
        ...cut,
        async close() {
          closed = true;
          // What is under way finds out too late.
          await Promise.resolve();
        },
      };
    },
  },
  {
    fault: "aborts reach the source, but are declared not to",
    found: ["an abort reaches the source"],
    supports: { abort: false },
  },
  {
    fault: "aborts are declared not to reach the source, of an image in memory",
    found: ["an abort reaches the source"],
    supports: { abort: false },
    tell: (subject) => ({ ...subject, source: tensor.copy() }),
  },
  {
    fault: "the source given is not the one that is read",
    found: ["an abort reaches the source"],
    tell: (subject) => ({ ...subject, source: countingSource(file) }),
  },
  {
    fault: "views are declared, but results are not views",
    found: ["what read() gives is the caller's own memory"],
    supports: { views: true },
  },
  {
    fault: "what is expected looks the same from both ends",
    found: ["the expected voxels can show"],
    tell: (subject) => ({
      ...subject,
      expected: new Tensor({ data: new Int16Array(tensor.size), dtype: "int16", shape }),
    }),
  },
  {
    fault: "what is expected is a cube, whose axes may be swapped",
    found: ["the expected voxels can show"],
    tell: (subject) => ({ ...subject, expected: volume({ dtype: "int16", shape: [1, 8, 8, 8] }).tensor }),
  },
  {
    fault: "the bound on opening allows for everything",
    found: ["opening reads the header and no more"],
    tell: (subject) => ({ ...subject, openBytes: file.length }),
  },
];

test.each(faults)("$fault", async ({ found, supports, wrap, tell, ...options }) => {
  const { failures, names } = await collect({
    only: found,
    supports,
    async create() {
      const source = countingSource(file);
      const opened = await openPlaneFile(source, options);
      const { scaling } = options;
      const scaled = scaling && tensor.astype("float64");
      scaled?.data.forEach((value, n) => {
        scaled.data[n] = value * scaling!.slope + scaling!.inter;
      });
      const subject = { backend: opened, expected: scaled ?? tensor, stored: tensor, affine, source };
      const wrapped = { ...subject, backend: wrap?.(opened, subject) ?? opened };
      return tell?.(wrapped) ?? wrapped;
    },
  });
  for (const rule of found) {
    const name = names.find((candidate) => candidate.startsWith(rule));
    expect(name, `a rule called "${rule}..."`).toBeDefined();
    expect([...failures.keys()]).toContain(name);
    expect(failures.get(name!)).toMatchObject({ name: "ContractError" });
  }
});

test("every rule has a fault that it finds", async () => {
  const { names } = await collect({
    only: [],
    create: () => {
      throw new Error("Nothing is run.");
    },
  });
  const found = faults.flatMap((fault) => fault.found);
  expect(names.filter((name) => !found.some((beginning) => name.startsWith(beginning)))).toEqual([]);
});
