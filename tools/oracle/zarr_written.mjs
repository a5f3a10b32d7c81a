// Writes every DIRECTORY/NAME.nii as NIfTI-Zarr, in many ways, for check_zarr.py: node tools/oracle/zarr_written.mjs DIRECTORY
import { readdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import "../../packages/backend-nifti/dist/index.js";
import "../../packages/backend-zarr/dist/index.js";
import { writeNiftiZarr } from "../../packages/backend-zarr/dist/write.js";
import { createRequest, resolveBackend } from "../../packages/core/dist/index.js";

const folder = process.argv[2];
const ways = {
  v3: {},
  v2: { zarrFormat: 2 },
  "v2-zstd": { zarrFormat: 2, codec: "zstd" },
  shards: { shard: 16, codec: "gzip" },
  "shards-zstd": { shard: [16, 16, 8], codec: "zstd" },
  mode: { codec: "none", downsample: "mode" },
};
for (const name of readdirSync(folder).filter((file) => file.endsWith(".nii"))) {
  for (const [way, options] of Object.entries(ways)) {
    // zarr-python 3.1 itself neither writes nor reads structures in shards.
    if (name === "rgb.nii" && options.shard !== undefined) continue;
    const image = await resolveBackend(createRequest(join(folder, name)));
    const out = join(folder, name.replace(/\.nii$/, `.${way}.nii.zarr`));
    await writeNiftiZarr(image, out, { chunk: 8, levels: 3, force: true, ...options });
    const written = await resolveBackend(createRequest(out));
    writeFileSync(
      out.replace(/\.zarr$/, ".affines.json"),
      JSON.stringify(written.levels.map(({ affine }) => affine)),
    );
    await image.close();
    await written.close();
  }
}
