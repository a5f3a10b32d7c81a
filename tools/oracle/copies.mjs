// Copies every sound golden NIfTI file with lazyimg, for nibabel to compare: `node copies.mjs FOLDER`, then
// `python3 run.py --copies FOLDER`. Each is copied as .nii and as .nii.gz, and a crop and a cast beside them.
import { mkdir, readFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath } from "node:url";
import { writeNifti } from "@lazyimg/backend-nifti";
import { slice } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";

const golden = fileURLToPath(new URL("../../tests/golden/nifti/", import.meta.url));
const folder = process.argv[2];
if (folder === undefined) throw new Error("usage: node copies.mjs FOLDER");
await mkdir(folder, { recursive: true });
const { cases } = JSON.parse(await readFile(`${golden}cases.json`, "utf8"));
let written = 0;
for (const { name, expect } of cases) {
  if (expect !== "ok") continue;
  const image = await openImage(golden + name);
  const stem = `${folder}/${name.replaceAll("/", "__")}__`;
  await image.save(`${stem}copy.nii`);
  await image.save(`${stem}copy.nii.gz`);
  await writeNifti(image.dataobj, `${stem}applied.nii`, { scaling: "apply" });
  await image.slice([null, slice(null, null, -1), slice(0, 2), slice(0, null, 2)]).save(`${stem}crop.nii`);
  await image.close();
  written += 4;
}
console.log(`wrote ${written} files to ${basename(folder)}`);
