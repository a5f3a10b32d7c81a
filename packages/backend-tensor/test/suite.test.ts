import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { DTYPES, type DType, type Tensor } from "@lazyimg/core";
import { backendSuite, volume } from "@lazyimg/testkit";
import { describe, test } from "vitest";

const shape = [2, 5, 6, 7] as const;

describe.each(Object.keys(DTYPES) as DType[])("%s", (dtype) => {
  backendSuite({
    test,
    supports: { views: true },
    create() {
      const { tensor, affine } = volume({ dtype, shape });
      return { backend: tensorBackend(tensor, affine), source: tensor, expected: tensor.copy(), affine };
    },
  });
});

/** Tensors that are not simply dense in C order. */
const layouts: Record<string, (tensor: Tensor) => Tensor> = {
  "F order": (tensor) => tensor.copy("F"),
  "every axis reversed": (tensor) =>
    tensor.slice([0, 1, 2, 3].map(() => ({ start: null, stop: null, step: -1 }))),
  "a part of a larger tensor": (tensor) => tensor.slice(["...", { start: 1, stop: -1, step: 2 }]),
};

describe.each(Object.entries(layouts))("%s", (_, layout) => {
  backendSuite({
    test,
    supports: { views: true },
    create() {
      const { tensor, affine } = volume({ dtype: "int16", shape: [2, 5, 6, 9] });
      const laidOut = layout(tensor);
      const backend = tensorBackend(laidOut, affine);
      return { backend, source: laidOut, expected: laidOut.copy(), affine };
    },
  });
});
