import { expect, it } from "vitest";
import { imagesIn } from "../src/dropped.js";

const files = (...paths: string[]) => new Map(paths.map((path) => [path, new Blob([path])]));
const found = (...paths: string[]) => imagesIn(files(...paths)).map(({ kind, name }) => `${kind} ${name}`);

it("takes a single file for an image, whatever its name", () => {
  expect(found("scan.nii.gz")).toEqual(["file scan.nii.gz"]);
  expect(found("IM0001")).toEqual(["file IM0001"]);
});

it("takes a pair for one image, with both files at hand", () => {
  const [pair, ...others] = imagesIn(files("a.img", "a.hdr"));
  expect(others).toEqual([]);
  expect(pair).toMatchObject({ kind: "file", name: "a.hdr" });
  expect([...pair!.files.keys()].sort()).toEqual(["a.hdr", "a.img"]);
  expect(found("a.IMG.gz", "a.hdr")).toEqual(["file a.hdr"]);
  expect(found("a.img", "b.hdr")).toEqual(["file a.img", "file b.hdr"]);
});

it("leaves out what lies beside images", () => {
  expect(found("s/scan.nii.gz", "s/scan.nii.gz.gzidx", "s/scan.json", "s/README")).toEqual([
    "file scan.nii.gz",
  ]);
  expect(found("s/README", "s/notes.txt")).toEqual([]);
});

it("takes a .zarr folder for an image, wherever it is", () => {
  const [zarr] = imagesIn(files("brain.nii.zarr/zarr.json", "brain.nii.zarr/0/c/0/0/0"));
  expect(zarr).toMatchObject({ kind: "zarr", name: "brain.nii.zarr" });
  expect([...zarr!.files.keys()]).toEqual(["zarr.json", "0/c/0/0/0"]);
  expect(found("data/x/brain.zarr/.zattrs", "data/x/brain.zarr/0/.zarray")).toEqual(["zarr brain.zarr"]);
});

it("lists labels last", () => {
  expect(found("aseg.nii.gz", "t1.nii.gz")).toEqual(["file t1.nii.gz", "file aseg.nii.gz"]);
  expect(found("a/t1.nii", "b/labels.zarr/zarr.json")).toEqual(["file t1.nii", "zarr labels.zarr"]);
});
