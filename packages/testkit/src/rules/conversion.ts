import { allocate, DTYPES, type DType, type Index, slice, stridesOf, type Tensor } from "@lazyimg/core";
import { check, rejectsWith, same, sameList, sameTensor, show } from "../check.js";
import type { Rule } from "../subject.js";

const everyDType = Object.keys(DTYPES) as DType[];

/** Whether every value has a place in `dtype`: what lies outside depends on the machine, in numpy too. */
function fits(tensor: Tensor, dtype: DType): boolean {
  const to = DTYPES[dtype];
  if (to.kind === "f" || to.kind === "c" || DTYPES[tensor.dtype].kind === "i") return true;
  if (DTYPES[tensor.dtype].kind === "u") return true;
  const bits = to.itemSize * 8;
  const [low, high] = to.kind === "u" ? [0, 2 ** bits] : [-(2 ** (bits - 1)), 2 ** (bits - 1)];
  const { lanes } = DTYPES[tensor.dtype];
  return tensor
    .copy()
    .data.every((value: number | bigint, n: number) => n % lanes === 1 || (value > low - 1 && value < high));
}

/** The regions that conversions are tried on: all, a plane, one with steps, nothing. */
const regions: readonly (Index | undefined)[] = [
  undefined,
  [null, null, null, 0],
  [null, slice(1, null), slice(null, null, -1), slice(null, null, 2)],
  [null, slice(0, 0)],
];

function outFor(tensor: Tensor, buffer?: ArrayBufferLike): Tensor["data"] {
  const { array, lanes } = DTYPES[tensor.dtype];
  if (buffer === undefined) return allocate(tensor.dtype, tensor.size);
  return new array(buffer, 0, tensor.size * lanes);
}

/** `scaled`, `dtype`, `out`. */
export const conversion: readonly Rule[] = [
  {
    name: "scaled: false gives the stored voxels",
    async run({ backend, expected, stored = expected }) {
      for (const index of regions) {
        const result = await backend.read(index, { scaled: false });
        sameTensor(result, stored.slice(index ?? "..."), `read(${show(index)}, { scaled: false })`);
      }
      sameTensor(await backend.toTensor({ scaled: false }), stored, "toTensor({ scaled: false })");
    },
  },
  {
    name: "scaled: true is the default",
    async run({ backend, expected }) {
      sameTensor(await backend.read("...", { scaled: true }), expected, 'read("...", { scaled: true })');
      sameTensor(await backend.toTensor({ scaled: true }), expected, "toTensor({ scaled: true })");
    },
  },
  {
    name: "dtype converts as numpy's astype",
    async run({ backend, expected, stored = expected }) {
      for (const dtype of everyDType) {
        for (const [scaled, values] of [
          [true, expected],
          [false, stored],
        ] as const) {
          for (const index of regions) {
            const region = values.slice(index ?? "...");
            if (!fits(region, dtype)) continue;
            const result = await backend.read(index, { dtype, scaled });
            sameTensor(
              result,
              region.astype<DType>(dtype),
              `read(${show(index)}, ${show({ dtype, scaled })})`,
            );
          }
        }
      }
      sameTensor(
        await backend.toTensor({ dtype: "float32" }),
        expected.astype<DType>("float32"),
        'toTensor({ dtype: "float32" })',
      );
    },
  },
  {
    name: "an unknown dtype rejects",
    async run({ backend }) {
      for (const index of regions) {
        await rejectsWith(
          ["ERR_UNSUPPORTED_DTYPE", "ERR_INVALID_ARGUMENT"],
          () => backend.read(index, { dtype: "float12" as DType }),
          `read(${show(index)}, { dtype: "float12" })`,
        );
      }
    },
  },
  {
    name: "out is filled in C order and becomes the result's data",
    async run({ backend, expected, stored = expected }) {
      for (const index of regions) {
        const region = expected.slice(index ?? "...");
        const raw = stored.slice(index ?? "...");
        const cast = region.astype<DType>("float32");
        for (const [values, options] of [
          [region, {}],
          [raw, { scaled: false }],
          [cast, { dtype: "float32" }],
        ] as const) {
          const out = outFor(values);
          const what = `read(${show(index)}, ${show({ ...options, out: "..." })})`;
          const result = await backend.read<DType>(index, { ...options, out });
          check(result.data === out, `${what}: the result's data is not \`out\`.`);
          same(result.offset, 0, `${what}, offset`);
          if (result.size > 1) sameList(result.strides, stridesOf(values.shape), `${what}, strides`);
          sameTensor(result, values, what);
        }
      }
      const whole = outFor(expected);
      const result = await backend.toTensor<DType>({ out: whole });
      check(result.data === whole, "toTensor({ out }): the result's data is not `out`.");
      sameTensor(result, expected, "toTensor({ out })");
    },
  },
  {
    name: "out may lie in a SharedArrayBuffer",
    async run({ backend, expected }) {
      // Browsers have it in isolated pages only.
      if (typeof SharedArrayBuffer === "undefined") return;
      const index: Index = [null, slice(1, null), slice(null, null, -1)];
      for (const region of [expected, expected.slice(index)]) {
        const buffer = new SharedArrayBuffer(region.size * DTYPES[region.dtype].itemSize);
        const out = outFor(region, buffer);
        const result = await backend.read<DType>(region === expected ? "..." : index, { out });
        check(result.data.buffer === buffer, "The result does not lie in the SharedArrayBuffer.");
        sameTensor(result, region, "read into a SharedArrayBuffer");
      }
    },
  },
  {
    name: "out may be a part of a larger array, whose rest stays as it is",
    async run({ backend, expected }) {
      const { array, lanes } = DTYPES[expected.dtype];
      const length = expected.size * lanes;
      const larger = new array(length + 8);
      const out = larger.subarray(3, 3 + length);
      sameTensor(await backend.read<DType>("...", { out }), expected, "read into a subarray");
      const all = Array.from(larger as ArrayLike<number | bigint>);
      const rest = [...all.slice(0, 3), ...all.slice(3 + length)];
      check(
        rest.every((value) => Number(value) === 0),
        "Reading into a subarray wrote beside it.",
      );
    },
  },
  {
    name: "out of another length or kind rejects with ERR_INVALID_ARGUMENT",
    async run({ backend, expected }) {
      const { array, lanes } = DTYPES[expected.dtype];
      const length = expected.size * lanes;
      const other = array === Uint8Array ? new Float64Array(length) : new Uint8Array(length);
      for (const [what, out] of [
        ["too short", new array(length - 1)],
        ["too long", new array(length + 1)],
        ["of another kind", other],
      ] as const) {
        await rejectsWith(
          ["ERR_INVALID_ARGUMENT"],
          () => backend.read<DType>("...", { out }),
          `read with \`out\` ${what}`,
        );
      }
    },
  },
];
