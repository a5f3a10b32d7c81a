import "@tensorflow/tfjs-backend-cpu"; // or -webgl, or -wasm
import * as tf from "@tensorflow/tfjs-core";
import { type Image, openImage, slice } from "lazyimg";

/** A batch of one image: (1, I, J, K, C), float32. */
async function batchOf(image: Image): Promise<tf.Tensor5D> {
  const voxels = await image.read("...", { dtype: "float32" });
  return tf.tidy(() => {
    const batch = tf.tensor5d(voxels.contiguous("C").data, [1, ...voxels.shape]);
    return tf.transpose(batch, [0, 2, 3, 4, 1]);
  });
}

const input = document.querySelector("input")!;
input.addEventListener("change", async () => {
  const image = await openImage(input.files![0]!); // or a URL
  const batch = await batchOf(image.toOrientation("RAS").slice(["...", slice(24, 40)]));
  const mask = tf.tidy(() => tf.greater(tf.avgPool3d(batch, 3, 1, "same"), 300.51));
  console.log(mask.shape); // -> [ 1, 128, 150, 16, 1 ]
  console.log((await tf.sum(mask).data())[0]); // -> 140356
  tf.dispose([batch, mask]);
  await image.close();
});
