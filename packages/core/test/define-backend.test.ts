import {
  type BackendDriver,
  createAffine,
  type DType,
  defineBackend,
  IDENTITY,
  type Index,
  type Range4D,
  type ReadContext,
  shapeOf,
  slice,
  Tensor,
} from "@lazyimg/core";
import { describe, expect, test, vi } from "vitest";

const shape = [2, 5, 6, 7] as const;
const tensor = new Tensor({ data: Int16Array.from({ length: 420 }, (_, n) => n), dtype: "int16", shape });

function define(more: Partial<BackendDriver> = {}) {
  const readRegion = vi.fn(
    async (range: Range4D, _context: ReadContext): Promise<Tensor> =>
      tensor.slice(range.map(({ start, step, size }) => slice(start, start + step * size, step))).copy(),
  );
  return {
    readRegion,
    backend: defineBackend({ shape, affine: IDENTITY, dtype: "int16", readRegion, ...more }),
  };
}
const asked = ({ readRegion }: ReturnType<typeof define>) =>
  readRegion.mock.calls[0]![0].map(({ start, step, size }) => [start, step, size]);

describe("what the driver is asked for", () => {
  const index = [slice(null, null, -1), 2, slice(1, null, 2), slice(null, null, -3)];

  test("a dense region, with steps taken in memory", async () => {
    const made = define();
    const result = await made.backend.read(index);
    expect(asked(made)).toEqual([
      [0, 1, 2],
      [2, 1, 1],
      [1, 1, 5],
      [0, 1, 7],
    ]);
    expect(result.copy().data).toEqual(tensor.slice(index).copy().data);
  });

  test("positive steps, where it can skip", async () => {
    const made = define({ strided: true });
    const result = await made.backend.read(index);
    expect(asked(made)).toEqual([
      [0, 1, 2],
      [2, 1, 1],
      [1, 2, 3],
      [0, 3, 3],
    ]);
    expect(result.copy().data).toEqual(tensor.slice(index).copy().data);
  });

  test("the last position of a step, and no further", async () => {
    const made = define();
    await made.backend.read(["...", slice(1, null, 4)]);
    expect(asked(made)[3]).toEqual([1, 1, 5]);
  });

  test("nothing, for an empty region, a bad index, bad options or after an abort", async () => {
    const { backend, readRegion } = define();
    expect((await backend.read([null, slice(3, 3)], { dtype: "float32" })).shape).toEqual([2, 0, 6, 7]);
    await expect(backend.read(9)).rejects.toMatchObject({ code: "ERR_INDEX" });
    await expect(backend.read(0, { dtype: "float16" as DType })).rejects.toMatchObject({
      code: "ERR_UNSUPPORTED_DTYPE",
    });
    await expect(backend.read(0, { out: new Int16Array(3) })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
    });
    await expect(backend.read(0, { signal: AbortSignal.abort(7) })).rejects.toBe(7);
    expect(readRegion).not.toHaveBeenCalled();
  });

  test("the signal and onProgress are handed on", async () => {
    const { backend, readRegion } = define();
    const { signal } = new AbortController();
    const onProgress = () => {};
    await backend.read(0, { signal, onProgress });
    expect(readRegion.mock.calls[0]![1]).toMatchObject({ signal, onProgress });
  });
});

describe("out", () => {
  test("is offered to the driver where nothing else is to be done", async () => {
    const { backend, readRegion } = define();
    const out = new Int16Array(210);
    await backend.read(0, { out });
    expect(readRegion.mock.calls[0]![1].target).toMatchObject({
      data: out,
      shape: [1, 5, 6, 7],
      dtype: "int16",
    });
  });

  test("and what the driver has put there is not copied again", async () => {
    const filled = vi.fn();
    const { backend } = define({
      async readRegion(range, { target }) {
        filled();
        target!.data.fill(5 as never);
        return new Tensor({ ...target!, shape: shapeOf(range) });
      },
    });
    const out = new Int16Array(210);
    expect((await backend.read(0, { out })).data).toBe(out);
    expect([...new Set(out)]).toEqual([5]);
    expect(filled).toHaveBeenCalledOnce();
  });

  test.each<[string, object, Partial<BackendDriver>]>([
    ["a step", { index: [null, slice(null, null, 2)] }, {}],
    ["a cast", { dtype: "float32" }, {}],
    ["a scaling", {}, { scaling: { slope: 2, inter: 0 } }],
  ])("is not offered where there is %s", async (_, { index = 0, ...options }: { index?: Index }, more) => {
    const { backend, readRegion } = define(more);
    const plain = await backend.read(index, options);
    const out = plain
      .copy()
      .data.slice()
      .fill(0 as never);
    const result = await backend.read(index, { ...options, out });
    expect(readRegion.mock.calls[1]![1].target).toBeUndefined();
    expect(result.data).toBe(out);
    expect(out).toEqual(plain.copy().data);
  });
});

describe("abort", () => {
  const hanging = (settle: (context: ReadContext) => Promise<Tensor>) =>
    define({ readRegion: (_, context) => settle(context) }).backend;

  test("a driver's own error gives way to the signal's reason", async () => {
    const controller = new AbortController();
    const backend = hanging(
      ({ signal }) =>
        new Promise((_, reject) => {
          signal!.addEventListener("abort", () => reject(new DOMException("mine", "AbortError")));
        }),
    );
    const read = backend.read(0, { signal: controller.signal });
    const reason = { why: "enough" };
    controller.abort(reason);
    await expect(read).rejects.toBe(reason);
  });

  test("a driver that does not look at the signal is heard out, and its result dropped", async () => {
    const controller = new AbortController();
    const backend = hanging(async () => {
      controller.abort(7);
      return tensor.copy();
    });
    await expect(backend.read("...", { signal: controller.signal })).rejects.toBe(7);
  });

  test("a driver's error without an abort is passed on as it is", async () => {
    const error = new Error("disk");
    const { signal } = new AbortController();
    await expect(hanging(() => Promise.reject(error)).read(0, { signal })).rejects.toBe(error);
  });
});

describe("explain", () => {
  const plan = vi.fn(() => ({ requests: 3, bytes: 1000, outputBytes: -1, peakBytes: 500 }));

  test("asks the driver for the range that it would read", () => {
    define({ plan }).backend.explain!(["...", slice(null, null, -3)]);
    expect(plan).toHaveBeenLastCalledWith(expect.objectContaining({ 3: { start: 0, step: 1, size: 7 } }));
  });

  test("adds what core needs for a cast, a scaling or `out`", () => {
    const { backend } = define({ plan });
    expect(backend.explain!(0)).toEqual({ requests: 3, bytes: 1000, outputBytes: 420, peakBytes: 500 });
    expect(backend.explain!(0, { dtype: "float64" })).toMatchObject({ outputBytes: 1680, peakBytes: 2180 });
    expect(backend.explain!(0, { out: new Int16Array(210) }).peakBytes).toBe(920);
    const scaled = define({ plan, scaling: { slope: 2, inter: 0 } }).backend;
    expect(scaled.explain!(0)).toMatchObject({ outputBytes: 1680, peakBytes: 2180 });
    expect(scaled.explain!(0, { scaled: false })).toMatchObject({ outputBytes: 420, peakBytes: 500 });
    expect(backend.explain!([null, slice(0, 0)])).toEqual({
      requests: 0,
      bytes: 0,
      outputBytes: 0,
      peakBytes: 0,
    });
  });

  test("throws for a bad index and an unknown dtype, and is missing without a plan", () => {
    const { backend } = define({ plan });
    expect(() => backend.explain!(9)).toThrow(expect.objectContaining({ code: "ERR_INDEX" }));
    expect(() => backend.explain!(0, { dtype: "float16" as DType })).toThrow(
      expect.objectContaining({ code: "ERR_UNSUPPORTED_DTYPE" }),
    );
    expect("explain" in define().backend).toBe(false);
  });
});

describe("the rest", () => {
  test("facts are passed on", () => {
    const header = { tr: 2 };
    const levels = [{ shape, affine: IDENTITY, spacing: [1, 1, 1] as const, bytes: 840 }];
    const { backend } = define({ header, levels, affineSource: "qform" });
    expect(backend).toMatchObject({ shape, dtype: "int16", affineSource: "qform", header, levels });
    expect(backend.valueDtype).toBeUndefined();
    expect(define({ scaling: { slope: 1, inter: 1 } }).backend.valueDtype).toBe("float64");
  });

  test("the affine is checked, copied and frozen", () => {
    const affine = [...IDENTITY];
    const { backend } = define({ affine });
    affine[0] = 5;
    expect(backend.affine).toEqual(IDENTITY);
    expect(Object.isFrozen(backend.affine)).toBe(true);
    expect(() => define({ affine: [1, 2] })).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
    expect(() => createAffine([1, 2])).toThrow();
  });

  test("an unknown dtype is refused at once", () => {
    expect(() => define({ dtype: "float16" as DType })).toThrow(
      expect.objectContaining({ code: "ERR_UNSUPPORTED_DTYPE" }),
    );
  });

  test("the driver is closed once, and an error of that is heard", async () => {
    const close = vi.fn(async () => {});
    const { backend } = define({ close });
    await Promise.all([backend.close!(), backend.close!()]);
    expect(close).toHaveBeenCalledOnce();
    await expect(backend.read()).rejects.toMatchObject({ code: "ERR_CLOSED" });
    const broken = define({ close: () => Promise.reject(new Error("disk")) }).backend;
    await expect(broken.close!()).rejects.toThrow("disk");
  });
});
