// Reads archives without WebAssembly, or without its SIMD: `node without-wasm.mjs none|no-simd ARCHIVE...`. Prints a line
// of JSON for each: the voxels in C order as base64, or the code of the error.
import { readFileSync } from "node:fs";

const [mode, ...paths] = process.argv.slice(2);
// Both before anything is imported. A module with SIMD does not compile where there is none; zstddec compiles another way.
if (mode === "none") delete globalThis.WebAssembly;
else {
  WebAssembly.Module = class {
    constructor() {
      throw new WebAssembly.CompileError("no SIMD");
    }
  };
}
const { createRequest } = await import("@lazyimg/core");
const { niftiZarr } = await import("@lazyimg/backend-zarr/backend");

for (const path of paths) {
  try {
    const bytes = new Uint8Array(readFileSync(path));
    const image = await niftiZarr.open(createRequest(new File([bytes], "image.zarr.zip")), {});
    const { data } = (await image.toTensor({ scaled: false })).contiguous("C");
    const voxels = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");
    console.log(JSON.stringify({ voxels }));
  } catch (error) {
    console.log(JSON.stringify({ code: error.code, message: error.message }));
  }
}
