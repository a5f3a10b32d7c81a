import { readFileSync } from "node:fs";
import { join } from "node:path";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { Image, openImage, Tensor } from "lazyimg";
import { PNG } from "pngjs";
import { describe, expect, it } from "vitest";
import { percentile, windowOf } from "../src/cli/intensity.js";
import { resample } from "../src/cli/resample.js";
import { lazyimg, lazyimgJson, PHANTOM, temporaryFolder } from "./command.js";

const folder = temporaryFolder();
const MARGIN = 26;

interface Shown {
  readonly width: number;
  readonly height: number;
  at(x: number, y: number): readonly [number, number, number];
}

function picture(path: string): Shown {
  const { width, height, data } = PNG.sync.read(readFileSync(path));
  return {
    width,
    height,
    at: (x, y) => [
      data[4 * (y * width + x)]!,
      data[4 * (y * width + x) + 1]!,
      data[4 * (y * width + x) + 2]!,
    ],
  };
}

/** Whether the dots of a letter are there: something of its colour round this place. */
function hasLetter({ at }: Shown, x: number, y: number): boolean {
  for (let dy = -8; dy <= 8; dy++) {
    for (let dx = -6; dx <= 6; dx++)
      if (at(Math.round(x + dx), Math.round(y + dy)).join() === "255,196,92") return true;
  }
  return false;
}

/** An image whose voxels near the right, front, top corner of the body are bright, stored in this orientation. */
async function bright(orientation: string): Promise<string> {
  const [ni, nj, nk] = [20, 30, 10];
  const data = new Uint8Array(ni * nj * nk);
  // In RAS order, and so (i, j, k) grow toward the right, the front and the top; C order.
  for (let i = 0; i < ni; i++) {
    for (let j = 0; j < nj; j++) {
      for (let k = 0; k < nk; k++) {
        // Rods along each axis through the middle of the others, so that every plane shows two.
        const [right, front, top] = [i >= ni - 4, j >= nj - 6, k >= nk - 2];
        const middle = [Math.abs(i - ni / 2) < 2, Math.abs(j - nj / 2) < 2, Math.abs(k - nk / 2) < 2];
        const shown =
          (right && front && middle[2]) || (right && middle[1] && top) || (middle[0] && front && top);
        data[(i * nj + j) * nk + k] = shown ? 200 : 10;
      }
    }
  }
  const affine = [2, 0, 0, -20, 0, 2, 0, -30, 0, 0, 6, -30, 0, 0, 0, 1];
  const image = Image.fromTensor(new Tensor({ data, dtype: "uint8", shape: [1, ni, nj, nk] }), affine);
  const path = join(folder, `${orientation}.nii`);
  await image.toOrientation(orientation).save(path);
  return path;
}

describe("lazyimg preview", () => {
  it.each(["RAS", "LPS", "LPI", "ASR", "SLP", "IRA"])(
    "shows the right on the left: stored %s",
    async (orientation) => {
      const source = await bright(orientation);
      expect(await lazyimgJson("info", source)).toMatchObject({ orientation });
      const output = join(folder, `${orientation}.png`);
      const told = await lazyimgJson("preview", source, "-o", output, "--size", "120");
      const shown = picture(output);
      // 40 x 60 x 60 mm at 2 pixels a millimetre.
      const places = {
        axial: [MARGIN, 80],
        coronal: [80 + 3 * MARGIN, 80],
        sagittal: [160 + 5 * MARGIN, 120],
      } as const;
      expect([shown.width, shown.height]).toEqual([80 + 80 + 120 + 6 * MARGIN, 120 + 2 * MARGIN]);
      expect(told).toMatchObject({ width: shown.width, height: shown.height });
      for (const [x, width] of Object.values(places)) {
        // The bright corner is the upper left one in all three: right and front, right and top, front and top.
        const inset = 6;
        const corners = [
          shown.at(x + inset, MARGIN + inset),
          shown.at(x + width - inset, MARGIN + inset),
          shown.at(x + inset, MARGIN + 120 - inset),
          shown.at(x + width - inset, MARGIN + 120 - inset),
        ].map(([red]) => red);
        expect(corners[0]).toBeGreaterThan(200);
        expect(Math.max(...corners.slice(1))).toBeLessThan(40);
        // Letters at the four edges, none at a corner.
        expect(hasLetter(shown, x - MARGIN / 2, MARGIN + 60)).toBe(true);
        expect(hasLetter(shown, x + width + MARGIN / 2, MARGIN + 60)).toBe(true);
        expect(hasLetter(shown, x + width / 2, MARGIN / 2)).toBe(true);
        expect(hasLetter(shown, x + width / 2, MARGIN + 120 + MARGIN / 2)).toBe(true);
        expect(hasLetter(shown, x - MARGIN / 2, MARGIN + 8)).toBe(false);
      }
    },
  );

  it("draws the letters R, L, A, P, S, I where they belong", async () => {
    const output = join(folder, "letters.png");
    await lazyimgJson("preview", await bright("RAS"), "-o", output, "--size", "120");
    const shown = picture(output);
    /** The letter's dots as rows of # and spaces. */
    const letter = (x: number, y: number): string => {
      const rows: string[] = [];
      for (let row = 0; row < 7; row++) {
        let text = "";
        for (let column = 0; column < 5; column++) {
          const dot = shown.at(Math.round(x - 5) + 2 * column, Math.round(y - 7) + 2 * row);
          text += dot.join() === "255,196,92" ? "#" : " ";
        }
        rows.push(text.trimEnd());
      }
      return rows.join("\n");
    };
    const R = "####\n#   #\n#   #\n####\n# #\n#  #\n#   #";
    const L = "#\n#\n#\n#\n#\n#\n#####";
    const A = " ###\n#   #\n#   #\n#####\n#   #\n#   #\n#   #";
    const P = "####\n#   #\n#   #\n####\n#\n#\n#";
    const S = " ####\n#\n#\n ###\n    #\n    #\n####";
    const I = " ###\n  #\n  #\n  #\n  #\n  #\n ###";
    const [middle, top, bottom] = [MARGIN + 60, MARGIN / 2, MARGIN * 1.5 + 120];
    const [axial, coronal, sagittal] = [MARGIN, 80 + 3 * MARGIN, 160 + 5 * MARGIN];
    const round = (x: number, width: number) => [
      letter(x - MARGIN / 2, middle),
      letter(x + width + MARGIN / 2, middle),
      letter(x + width / 2, top),
      letter(x + width / 2, bottom),
    ];
    expect(round(axial, 80)).toEqual([R, L, A, P]);
    expect(round(coronal, 80)).toEqual([R, L, S, I]);
    expect(round(sagittal, 120)).toEqual([A, P, S, I]);
  });

  it("shows the capsule of the sample volume on the patient's right, in its shape", async () => {
    const output = join(folder, "phantom.png");
    const told = await lazyimgJson("preview", PHANTOM, "-o", output);
    const shown = picture(output);
    const scale = 320 / 225;
    const axial = [Math.round(192 * scale), 320] as const;
    expect(shown.height).toBe(320 + 2 * MARGIN);
    expect(shown.width).toBe(2 * axial[0] + 320 + 6 * MARGIN);
    // The capsule's centre is 81 mm to the right and 12 mm before the middle.
    const y = Math.round(MARGIN + 160 - 12 * scale);
    const distance = 81 * scale;
    expect(shown.at(Math.round(MARGIN + axial[0] / 2 - distance), y)[0]).toBe(255);
    expect(shown.at(Math.round(MARGIN + axial[0] / 2 + distance), y)[0]).toBe(0);
    expect(told).toMatchObject({ channel: 0, window: { black: 0, white: 820 } });
  });

  it("draws colours as they are, and one channel in grey", async () => {
    const data = new Uint8Array(3 * 8 * 8 * 8);
    data.fill(250, 0, 512);
    data.fill(40, 512, 1024);
    const image = Image.fromTensor(new Tensor({ data, dtype: "uint8", shape: [3, 8, 8, 8] }));
    const source = join(folder, "colours.nii");
    await image.save(source);
    const output = join(folder, "colours.png");
    expect(await lazyimgJson("preview", source, "-o", output, "--size", "64")).toMatchObject({
      channel: null,
      window: null,
    });
    expect(picture(output).at(MARGIN + 32, MARGIN + 32)).toEqual([250, 40, 0]);
    await lazyimgJson("preview", source, "-o", output, "--size", "64", "--channel", "1");
    const [red, green, blue] = picture(output).at(MARGIN + 32, MARGIN + 32);
    expect([green, blue]).toEqual([red, red]);
    const { code, stderr } = await lazyimg("preview", source, "-o", output, "--channel", "3");
    expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining("use 0 to 2. [ERR_INDEX]") });
  });

  it("reads the three planes over HTTP and not the other volumes of a series", async () => {
    const shape = [6, 40, 50, 60] as const;
    const data = Int16Array.from({ length: 6 * 40 * 50 * 60 }, (_, n) => n % 1000);
    const source = join(folder, "series.nii");
    await Image.fromTensor(new Tensor({ data, dtype: "int16", shape })).save(source);
    const server = await misbehavingServer({ "series.nii": readFileSync(source) });
    try {
      const url = `${server.url}series.nii`;
      const image = await openImage(url);
      const planned = [
        image.explain([3, null, null, 30]),
        image.explain([3, null, 25]),
        image.explain([3, 20]),
      ].reduce((sum, plan) => sum + plan!.bytes, 0);
      await image.close();
      server.reset();
      const local = await lazyimgJson("preview", source, "-o", join(folder, "local.png"), "--channel", "3");
      const remote = await lazyimgJson("preview", url, "-o", join(folder, "remote.png"), "--channel", "3");
      expect(readFileSync(join(folder, "remote.png")).equals(readFileSync(join(folder, "local.png")))).toBe(
        true,
      );
      expect(remote.read).toEqual({ bytes: server.bytes, requests: server.requests });
      expect(server.bytes).toBeLessThanOrEqual(4096 + planned);
      expect((local.read as { bytes: number }).bytes).toBeLessThanOrEqual(4096 + planned);
      const volume = 40 * 50 * 60 * 2;
      for (const { range } of server.log.slice(1)) {
        const [first, last] = /(\d+)-(\d+)/.exec(range!)!.slice(1).map(Number);
        expect(first).toBeGreaterThanOrEqual(352 + 3 * volume);
        expect(last).toBeLessThan(352 + 4 * volume);
      }
    } finally {
      await server.close();
    }
  });

  it("copes with planes that are constant, not finite, complex, or one voxel thin", async () => {
    const images = {
      constant: new Tensor({ data: new Float32Array(64).fill(7), dtype: "float32", shape: [1, 4, 4, 4] }),
      nothing: new Tensor({
        data: new Float32Array(64).fill(Number.NaN),
        dtype: "float32",
        shape: [1, 4, 4, 4],
      }),
      infinite: new Tensor({
        data: Float64Array.from(
          { length: 64 },
          (_, n) => [Number.POSITIVE_INFINITY, Number.NaN, 1e308, -1e308][n % 4]!,
        ),
        dtype: "float64",
        shape: [1, 4, 4, 4],
      }),
      complex: new Tensor({
        data: new Float32Array(128).map((_, n) => n),
        dtype: "complex64",
        shape: [1, 4, 4, 4],
      }),
      thin: new Tensor({ data: new Uint8Array(400).map((_, n) => n), dtype: "uint8", shape: [1, 20, 20, 1] }),
      int64: new Tensor({
        data: new BigInt64Array(64).map((_, n) => BigInt(n)),
        dtype: "int64",
        shape: [1, 4, 4, 4],
      }),
    } as const;
    for (const [name, tensor] of Object.entries(images)) {
      const source = join(folder, `${name}.nii`);
      await Image.fromTensor(tensor).save(source);
      const output = join(folder, `${name}.png`);
      await lazyimgJson("preview", source, "-o", output, "--size", "40");
      expect(picture(output).width).toBeGreaterThan(6 * MARGIN);
    }
    expect(picture(join(folder, "constant.png")).at(MARGIN + 20, MARGIN + 20)).toEqual([128, 128, 128]);
    expect(picture(join(folder, "nothing.png")).at(MARGIN + 20, MARGIN + 20)).toEqual([0, 0, 0]);
  });
});

describe("the window", () => {
  it("is from the 2nd to the 98th percentile, as numpy.percentile has them", () => {
    // numpy.percentile([1, 2, 4, 8, 16], [2, 25, 98]) == [1.08, 2, 15.36]
    const sorted = Float64Array.of(1, 2, 4, 8, 16);
    expect(percentile(sorted, 2)).toBeCloseTo(1.08, 12);
    expect(percentile(sorted, 25)).toBe(2);
    expect(percentile(sorted, 98)).toBeCloseTo(15.36, 12);
    const values = Float64Array.from({ length: 101 }, (_, n) => 100 - n);
    expect(windowOf([values.subarray(0, 50), values.subarray(50)])).toEqual({ black: 2, white: 98 });
  });

  it("leaves out what is not finite, and shows masks", () => {
    const mask = new Float64Array(1000);
    mask[3] = 1;
    expect(windowOf([mask])).toEqual({ black: 0, white: 1 });
    expect(windowOf([Float64Array.of(Number.NaN, 5, Number.POSITIVE_INFINITY)])).toEqual({
      black: 5,
      white: 5,
    });
  });
});

describe("resampling", () => {
  it("keeps values, means and edges", () => {
    const values = Float32Array.of(0, 10, 20, 30);
    expect([...resample(values, [2, 2], [2, 2])]).toEqual([0, 10, 20, 30]);
    expect([...resample(values, [4, 1], [8, 1])]).toEqual([0, 2.5, 7.5, 12.5, 17.5, 22.5, 27.5, 30]);
    const ramp = Float32Array.from({ length: 100 }, (_, n) => n);
    const small = resample(ramp, [100, 1], [10, 1]);
    expect(small.reduce((sum, value) => sum + value) / 10).toBeCloseTo(49.5, 3);
    expect(small[4]).toBeCloseTo(44.5, 3);
    expect([...resample(Float32Array.of(5), [1, 1], [3, 2])]).toEqual([5, 5, 5, 5, 5, 5]);
  });
});
