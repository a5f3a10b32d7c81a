import { Enums, init, RenderingEngine, type Types, volumeLoader } from "@cornerstonejs/core";
import { type Image, openImage } from "lazyimg";

/** A volume of cornerstone3D that shows channel 0 of an image, in float32. */
async function volumeOf(image: Image, volumeId: string): Promise<Types.IImageVolume> {
  const { affine, spacing, spatialShape } = image;
  const voxels = await image.read(0, { dtype: "float32" });
  // RAS+ to LPS+: the first two rows change their sign.
  const lps = affine.map((value, n) => (n < 8 ? -value : value));
  // Where one voxel along I, J, K goes, each as a vector of length 1.
  const column = (axis: number) => [0, 1, 2].map((row) => lps[4 * row + axis]! / spacing[axis]!);
  const volume = volumeLoader.createLocalVolume(volumeId, {
    scalarData: voxels.contiguous("F").data, // I fastest
    dimensions: [...spatialShape],
    spacing: [...spacing],
    origin: [lps[3]!, lps[7]!, lps[11]!],
    direction: [...column(0), ...column(1), ...column(2)] as Types.Mat3,
    metadata: {
      BitsAllocated: 32,
      BitsStored: 32,
      HighBit: 31,
      SamplesPerPixel: 1,
      PixelRepresentation: 1,
      PhotometricInterpretation: "MONOCHROME2",
      Modality: "MR",
      FrameOfReferenceUID: volumeId,
      ImageOrientationPatient: [...column(0), ...column(1)],
      PixelSpacing: [spacing[1], spacing[0]],
      Columns: spatialShape[0],
      Rows: spatialShape[1],
      voiLut: [{ windowCenter: 500, windowWidth: 1000 }],
      VOILUTFunction: "LINEAR",
    },
  });
  volume.invalidate(); // its planes have to be taken to the GPU
  return volume;
}

init();
const engine = new RenderingEngine("engine");
engine.enableElement({
  viewportId: "axial",
  type: Enums.ViewportType.ORTHOGRAPHIC,
  element: document.querySelector<HTMLDivElement>("#viewer")!,
  defaultOptions: { orientation: Enums.OrientationAxis.AXIAL },
});
const viewport = engine.getViewport("axial") as Types.IVolumeViewport;

const input = document.querySelector("input")!;
input.addEventListener("change", async () => {
  const image = await openImage(input.files![0]!); // or a URL
  const volume = await volumeOf(image, "scan");
  await viewport.setVolumes([{ volumeId: "scan" }]);
  viewport.setProperties({ voiRange: { lower: 0, upper: 1000 } });
  viewport.render();

  // The same place in both worlds, but for the sign of x and y.
  const [x, y, z] = image.voxelToWorld([10, 20, 30]);
  const there = volume.imageData!.indexToWorld([10, 20, 30]);
  console.log([-x, -y, z].every((value, n) => Math.abs(value - there[n]!) < 1e-3)); // -> true
  await image.close();
});
