import { bytesOf, type Tensor } from "@lazyimg/core";
import { expect } from "vitest";

/** Compares shape, dtype and every byte, in C order; quick enough for a thousand of them. */
export function expectVoxels(actual: Tensor, wanted: Tensor): void {
  expect(actual.dtype).toBe(wanted.dtype);
  expect(actual.shape).toEqual(wanted.shape);
  const same = Buffer.compare(bytesOf(actual.copy("C").data), bytesOf(wanted.copy("C").data)) === 0;
  expect(same, "voxels are as they were written").toBe(true);
}
