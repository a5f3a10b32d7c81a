/** What is written: (C, I, J, K) of int16, its bytes with I fastest and C slowest, and in C order. */
export interface Voxels {
  readonly shape: readonly number[];
  readonly body: Uint8Array;
  readonly inC: Uint8Array;
}

/** The files of an image in the formats that `lazyimg` does not bring; headers say no more than they must. */
export function otherFormats(
  voxels: Voxels,
  named?: (name: string) => string,
): Record<string, Uint8Array<ArrayBuffer>>;
