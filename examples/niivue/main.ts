import { writeNifti } from "@lazyimg/backend-nifti";
import { Niivue } from "@niivue/niivue";
import { type Image, openImage, slice } from "lazyimg";

/** An image as the bytes of a NIfTI file: its voxels and scaling as they are stored, its affine. */
async function niftiOf(image: Image): Promise<ArrayBuffer> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const [bytes] = await Promise.all([
    new Response(readable as ReadableStream<Uint8Array<ArrayBuffer>>).arrayBuffer(),
    writeNifti(image.dataobj, writable),
  ]);
  return bytes;
}

const viewer = new Niivue({ loadingText: "" });
await viewer.attachToCanvas(document.querySelector("canvas")!);

const input = document.querySelector("input")!;
input.addEventListener("change", async () => {
  const image = await openImage(input.files![0]!); // or a URL; a NIfTI, a Zarr, an NRRD, ...
  const part = image.slice([null, slice(16, 112), null, slice(8, 56)]);
  await viewer.loadFromArrayBuffer(await niftiOf(part), "part.nii");
  console.log(viewer.volumes[0]?.dims); // -> [ 3, 96, 150, 48 ]
  await image.close();
});
