import type { ArrayFacts } from "../../../tests/support/vectors.js";

/** What mrconvert and nibabel say of a file. */
export interface MifFacts {
  readonly affine: readonly number[];
  readonly stored: ArrayFacts;
  readonly scaled?: ArrayFacts;
}
