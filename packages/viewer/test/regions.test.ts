import { type Range4D, Tensor } from "@lazyimg/core";
import { describe, expect, it } from "vitest";
import { Line } from "../src/worker/line.js";
import { rangeOf, thickened, thinnedPlane, whole } from "../src/worker/regions.js";
import { sample } from "../src/worker/sample.js";

const SIZE = 1290;
const one = (start: number) => ({ start, step: 1, size: 1 });
/** Of a .nii: voxels of I lie side by side, and what lies closer than 128 KiB is read along. */
function read(range: Range4D): { bytes: number; requests: number } {
  let [span, requests] = [2, 1];
  let distance = 2;
  for (const axis of [1, 2, 3] as const) {
    const { step, size } = range[axis];
    if (size > 1) {
      if (requests === 1 && step * distance - span <= 131_072) span += (size - 1) * step * distance;
      else requests *= size;
    }
    distance *= SIZE;
  }
  return { bytes: span * requests, requests };
}
const cost = (range: Range4D): number => {
  const { bytes, requests } = read(range);
  return bytes + requests * 2 ** 19;
};
const planeAt = (axis: number, at: number): Range4D =>
  [one(0), whole(SIZE), whole(SIZE), whole(SIZE)].map((own, n) =>
    n === axis ? one(at) : own,
  ) as unknown as Range4D;

describe("a plane of 4 GiB", () => {
  const MOST = 48 * 2 ** 20;

  it("is left whole where it costs little", () => {
    const axial = planeAt(3, 700);
    expect(thinnedPlane(axial, 3, cost, MOST)).toBe(axial);
    expect(thickened(axial, { axis: 3, size: SIZE }, 20, cost)).toBe(axial);
  });

  it.each([
    ["coronal", 2],
    ["sagittal", 1],
  ] as const)("loses rows, and no columns, which would save nothing: %s", (_, across) => {
    const plane = planeAt(across, 700);
    const thin = thinnedPlane(plane, across, cost, MOST);
    expect(cost(thin)).toBeLessThanOrEqual(MOST);
    // One row more would be too many.
    expect(cost(thin)).toBeGreaterThan(0.8 * MOST);
    expect(thin.slice(0, 3)).toEqual(plane.slice(0, 3));
    expect(thin[3].step).toBeGreaterThan(1);
    // In the middle of what they stand for.
    expect(thin[3].start).toBe(thin[3].step >> 1);
    const last = thin[3].start + (thin[3].size - 1) * thin[3].step;
    expect(last).toBeLessThan(SIZE);
    expect(last + thin[3].step).toBeGreaterThanOrEqual(SIZE - thin[3].step);
    // And what lies in between comes along.
    const thick = thickened(thin, { axis: across, size: SIZE }, 2000, cost);
    expect(thick[across].size).toBe(across === 1 ? SIZE : thick[across].size);
    expect(thick[across].size).toBeGreaterThan(30);
    expect(cost(thick)).toBeLessThanOrEqual(1.25 * cost(thin));
  });

  it("is left whole where leaving some out saves nothing", () => {
    const plane = planeAt(1, 3);
    expect(thinnedPlane(plane, 1, () => 1e9, MOST)).toBe(plane);
    expect(thinnedPlane(plane, 1, () => Number.POSITIVE_INFINITY, MOST)).toBe(plane);
  });

  it("is needed as a whole, however few points are asked for", () => {
    const shape = [1, SIZE, SIZE, SIZE] as const;
    for (const pitch of [1, 2, 3, 4]) {
      const width = Math.round(SIZE / pitch);
      const first = pitch / 2 - 0.5;
      const toVoxel = [-pitch, 0, SIZE - 1 - first, 0, pitch, first, 0, 0, 700];
      const request = {
        level: 0,
        width,
        height: width,
        toVoxel,
        across: 2,
        channel: 0,
        effort: "quick",
      } as const;
      const range = rangeOf(request, shape)!;
      expect(range[3]).toEqual(one(700));
      for (const { start, size } of [range[1], range[2]]) {
        expect(start).toBeLessThanOrEqual(pitch >> 1);
        expect(start + size).toBeGreaterThanOrEqual(SIZE - (pitch >> 1));
      }
    }
  });
});

it("each voxel is stood for by the nearest that was read", () => {
  const shape = [1, 10, 1, 1] as const;
  const tensor = new Tensor({ data: Int16Array.of(12, 16, 20), dtype: "int16", shape: [1, 3, 1, 1] });
  const range = [one(0), { start: 2, step: 4, size: 3 }, one(0), one(0)] as const;
  // From before the first to behind the last voxel of the image.
  const toVoxel = [1, 0, -1, 0, 0, 0, 0, 0, 0];
  const { data } = sample({ tensor, range }, shape, { width: 12, height: 1, toVoxel });
  expect([...data]).toEqual([0, 12, 12, 12, 12, 16, 16, 16, 16, 20, 20, 0]);
});

describe("a line", () => {
  const signal = new AbortController().signal;
  const later = () => {
    let finish = (): void => {};
    const promise = new Promise<void>((resolve) => {
      finish = resolve;
    });
    return { promise, finish };
  };
  const soon = () => new Promise((resolve) => setTimeout(resolve, 5));

  /** Runs reads of these costs, which end when they are told to. */
  function reading(costs: Readonly<Record<string, number>>) {
    const line = new Line();
    const begun: string[] = [];
    const reads = Object.fromEntries(Object.keys(costs).map((name) => [name, later()]));
    const run = (name: string) =>
      line.run(costs[name]!, signal, () => {
        begun.push(name);
        return reads[name]!.promise;
      });
    return { line, begun, reads, run };
  }

  it("lets slow reads wait for quick ones, and for each other", async () => {
    const { line, begun, reads, run } = reading({ quick: 0, slower: 9, slow: 4 });
    const all = [run("quick"), run("slower"), run("slow")];
    await soon();
    expect(begun).toEqual(["quick"]);
    reads.quick!.finish();
    await expect.poll(() => begun).toEqual(["quick", "slow"]);
    // What is quick waits for nothing.
    expect(await line.run(0, signal, async () => 5)).toBe(5);
    await soon();
    expect(begun).toEqual(["quick", "slow"]);
    reads.slow!.finish();
    await expect.poll(() => begun).toEqual(["quick", "slow", "slower"]);
    reads.slower!.finish();
    await Promise.all(all);
  });

  it("waits a moment for a shorter one, which need not wait for a longer one that has begun", async () => {
    const { begun, reads, run } = reading({ coarse: 0, long: 9, fine: 4, longer: 20 });
    const all = [run("coarse"), run("long"), run("longer")];
    reads.coarse!.finish();
    await soon();
    // What comes of the coarse one.
    all.push(run("fine"));
    await expect.poll(() => begun).toEqual(["coarse", "fine"]);
    reads.fine!.finish();
    await expect.poll(() => begun).toEqual(["coarse", "fine", "long"]);
    all.push(run("fine"));
    await expect.poll(() => begun).toEqual(["coarse", "fine", "long", "fine"]);
    reads.long!.finish();
    await expect.poll(() => begun.at(-1)).toBe("longer");
    reads.longer!.finish();
    await Promise.all(all);
  });

  it("goes on after what failed, and without what was given up", async () => {
    const line = new Line();
    const first = later();
    const running = line.run(1, signal, () => first.promise.then(() => Promise.reject(new Error("bad"))));
    const controller = new AbortController();
    const leaving = line.run(1, controller.signal, async () => "never");
    const staying = line.run(1, signal, async () => "read");
    controller.abort("gone");
    await expect(leaving).rejects.toBe("gone");
    first.finish();
    await expect(running).rejects.toThrow("bad");
    expect(await staying).toBe("read");
  });
});
