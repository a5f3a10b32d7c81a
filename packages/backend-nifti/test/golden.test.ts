import { createHash } from "node:crypto";
import { type NiftiImageHeader, nifti } from "@lazyimg/backend-nifti/backend";
import { openImage } from "@lazyimg/image";
import { describe, expect, test } from "vitest";
import {
  GOLDEN,
  golden,
  hashOf,
  type NiftiCase,
  parseIndex,
  REAL_DATA,
  toNumber,
} from "../../../tests/support/golden.js";

const open = (path: string) => openImage(path, { backends: [nifti] });

async function checkImage(path: string, facts: NiftiCase): Promise<void> {
  const image = await open(path);
  const same = (field: keyof NiftiCase) => !facts.differs?.includes(field);
  try {
    expect(image.shape).toEqual(facts.shape);
    expect(image.dtype).toBe(facts.dtype);
    expect(image.affineSource).toBe(facts.affineSource);
    for (const [n, value] of facts.affine.map(toNumber).entries()) {
      // nibabel computes qforms in long double: equal to the last bits.
      const tolerance = facts.affineSource === "qform" ? 1e-13 * Math.max(1, Math.abs(value)) : 0;
      expect(Math.abs(image.affine[n]! - value), `affine[${n}]`).toBeLessThanOrEqual(tolerance);
    }
    if (facts.orientation !== null) expect(image.orientation).toBe(facts.orientation);
    if (same("valueDtype")) expect(image.valueDtype).toBe(facts.valueDtype);
    if (facts.raw) {
      const raw = await image.read("...", { scaled: false });
      expect(raw.dtype).toBe(facts.raw.dtype);
      expect(hashOf(raw)).toBe(facts.raw.sha256);
    }
    if (facts.scaled && same("scaled")) {
      const scaled = await image.read();
      expect(scaled.dtype).toBe(facts.scaled.dtype);
      expect(hashOf(scaled)).toBe(facts.scaled.sha256);
    }
    const extensions = await (image.header as NiftiImageHeader).readExtensions();
    expect(
      extensions.map(({ code, data }) => ({ code, sha256: createHash("sha256").update(data).digest("hex") })),
    ).toEqual(facts.header.extensions.map(({ code, sha256 }) => ({ code, sha256 })));
  } finally {
    await image.close();
  }
}

describe("small files by nibabel", () => {
  const { cases } = golden<{ cases: NiftiCase[] }>("nifti/cases.json");
  test("are many", () => expect(cases.length).toBeGreaterThan(400));
  // Either half opens a pair.
  const files = cases.flatMap((facts) => facts.files.map((file) => ({ file, facts })));
  test.each(files)("$file", async ({ file, facts }) => {
    const path = `${GOLDEN}nifti/${file}`;
    if (facts.expect === "ok") return checkImage(path, facts);
    if (facts.expect === "error") {
      await expect(open(path).then((image) => image.read())).rejects.toMatchObject({ code: facts.code });
      return;
    }
    const image = await open(path).catch((error: unknown) => error);
    if (image instanceof Error) expect(image).toMatchObject({ name: "LazyImageError", code: facts.code });
    else await checkImage(path, { ...facts, orientation: null });
  });
});

interface HostileCase {
  readonly files: readonly string[];
  readonly problem: string;
  readonly expect: "error" | "either";
  readonly code: string;
  readonly stage: "open" | "read";
  readonly sound?: Pick<NiftiCase, "affine" | "dtype" | "shape"> & { readonly raw: NiftiCase["raw"] };
}

describe("broken files", () => {
  const { cases } = golden<{ cases: HostileCase[] }>("nifti/hostile/hostile.json");
  test("are many", () => expect(cases.length).toBeGreaterThan(100));
  test.each(cases)("$files: $problem", async ({ files, expect: outcome, code, stage, sound }) => {
    const path = `${GOLDEN}nifti/hostile/${files[0]}`;
    if (outcome === "error") {
      const result = stage === "open" ? open(path) : open(path).then((image) => image.read());
      await expect(result).rejects.toMatchObject({ name: "LazyImageError", code });
      return;
    }
    const result = await open(path)
      .then(async (image) => ({ image, raw: await image.read("...", { scaled: false }) }))
      .catch((error: unknown) => error);
    if (result instanceof Error) {
      expect(result).toMatchObject({ name: "LazyImageError", code });
      return;
    }
    const { image, raw } = result as {
      image: Awaited<ReturnType<typeof open>>;
      raw: Parameters<typeof hashOf>[0];
    };
    expect({
      shape: image.shape,
      dtype: image.dtype,
      affine: [...image.affine],
      sha256: hashOf(raw),
    }).toEqual({
      shape: sound!.shape,
      dtype: sound!.dtype,
      affine: sound!.affine.map(toNumber),
      sha256: sound!.raw!.sha256,
    });
  });
});

interface RealCase extends NiftiCase {
  readonly status: "ok" | "half-pair" | "not-nifti" | "unreadable";
  readonly regions: readonly {
    index: string;
    shape: readonly number[];
    rawSha256: string;
    scaledSha256: string;
  }[];
}

describe.runIf(REAL_DATA)("real images", () => {
  const { images } = golden<{ images: (RealCase & { file: string })[] }>("real.json");
  test.each(images)("$file ($status)", async (facts) => {
    const path = `${REAL_DATA}/${facts.file}`;
    if (facts.status !== "ok") {
      await expect(open(path).then((image) => image.read())).rejects.toMatchObject({
        name: "LazyImageError",
      });
      return;
    }
    await checkImage(path, facts);
    const image = await open(path);
    for (const { index, shape, rawSha256, scaledSha256 } of facts.regions) {
      const items = parseIndex(index);
      const scaled = await image.read(items);
      expect(scaled.shape).toEqual(shape);
      expect(hashOf(scaled)).toBe(scaledSha256);
      expect(hashOf(await image.read(items, { scaled: false }))).toBe(rawSha256);
    }
    await image.close();
  });
});
