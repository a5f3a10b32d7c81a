import { Image, openImage, slice, Tensor } from "lazyimg";
import * as ort from "onnxruntime-web/wasm";

const model = new URL("model.onnx", import.meta.url);
const session = await ort.InferenceSession.create(model.href);

/** What the model says of an image: a mask with the same shape and affine. */
async function segment(image: Image): Promise<Image> {
  const voxels = (await image.read("...", { dtype: "float32" })).contiguous("C");
  const batch = new ort.Tensor("float32", voxels.data, [1, ...voxels.shape]); // (N, C, I, J, K)
  const { mask } = await session.run({ image: batch });
  const data = (await mask!.getData()) as Uint8Array<ArrayBuffer>;
  const tensor = new Tensor({ data, dtype: "uint8", shape: image.shape });
  return Image.fromTensor(tensor, image.affine);
}

const input = document.querySelector("input")!;
input.addEventListener("change", async () => {
  const image = await openImage(input.files![0]!); // or a URL
  // What the model was trained on.
  const part = image.toOrientation("RAS").slice(["...", slice(24, 40)]);
  const mask = await segment(part);
  console.log(mask.shape, mask.orientation); // -> [ 1, 128, 150, 16 ] RAS
  const { data } = await mask.read("...", { dtype: "uint8" });
  console.log(data.reduce((sum, voxel) => sum + voxel, 0)); // -> 140356
  await image.close();
});
