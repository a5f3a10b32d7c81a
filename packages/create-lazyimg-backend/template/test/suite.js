import { exampleBackend, openExample } from "PACKAGE_NAME/backend";
import assert from "node:assert/strict";
import { test } from "node:test";
import { createRequest } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { backendSuite, countingSource, volume } from "@lazyimg/testkit";
import { encode } from "../scripts/encode.js";

// Known values, all different, and an affine without symmetries.
const { tensor, affine } = volume({ dtype: "int16", shape: [2, 24, 20, 16] });
const file = encode(tensor, affine);

backendSuite({
  test,
  create: async () => {
    const source = countingSource(file);
    const backend = await openExample(createRequest(source, { name: "scan.example" }));
    return { backend, source, expected: tensor, affine };
  },
});

test("the package registers the backend", async () => {
  await import("PACKAGE_NAME");
  const image = await openImage(file, { name: "scan.Example" });
  assert.deepEqual(image.shape, tensor.shape);
  await image.close();
});

/** A file whose header has one field replaced. */
const withField = (field) => {
  const header = { shape: [1, 2, 3, 4], dtype: "uint8", affine, ...field };
  return new TextEncoder().encode(`example 1 ${JSON.stringify(header)}\n${"x".repeat(24)}`);
};

const wrong = {
  "nothing at all": ["ERR_HEADER", new Uint8Array()],
  "another format": ["ERR_HEADER", new TextEncoder().encode("<html></html>\n")],
  "a header that is no JSON": ["ERR_HEADER", new TextEncoder().encode("example 1 {shape}\n")],
  "three sizes": ["ERR_HEADER", withField({ shape: [2, 3, 4] })],
  "endless sizes": ["ERR_HEADER", withField({ shape: [1, 2 ** 40, 2 ** 40, 2 ** 40] })],
  "more voxels than there are": ["ERR_TRUNCATED", withField({ shape: [1, 2, 3, 5] })],
  "an unknown data type": ["ERR_UNSUPPORTED_DTYPE", withField({ dtype: "float16" })],
  "an affine of nine numbers": ["ERR_HEADER", withField({ affine: [1, 0, 0, 0, 1, 0, 0, 0, 1] })],
};
for (const [what, [code, bytes]] of Object.entries(wrong)) {
  test(`${what}: ${code}`, async () => {
    await assert.rejects(openImage(bytes, { backends: [exampleBackend], name: "a.example" }), { code });
  });
}
