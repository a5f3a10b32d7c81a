// A made-up format, .u8: three uint16 sizes, little-endian, then as many uint8 voxels, I fastest.
import { openSource } from "@lazyimg/byte-source";
import { createAffine, defineBackend, hasExtension, IDENTITY, registerBackend } from "@lazyimg/core";
import { checkLayout, rawArray, stridesInOrder } from "@lazyimg/raw-array";

const HEADER = 6;

async function open(request, { signal }) {
  const source = openSource(request);
  const header = await source.read(0, HEADER, { signal });
  const sizes = new DataView(header.buffer, header.byteOffset, HEADER);
  const shape = [1, ...[0, 2, 4].map((at) => sizes.getUint16(at, true))];
  const layout = {
    offset: HEADER,
    dtype: "uint8",
    littleEndian: true,
    shape,
    strides: stridesInOrder(shape, [1, 2, 3, 0]),
  };
  checkLayout(layout, await source.size(), request.path);
  return defineBackend({
    ...rawArray(source, layout),
    shape,
    dtype: "uint8",
    affine: createAffine(IDENTITY),
    close: () => source.close?.(),
  });
}

registerBackend("u8", (request) => hasExtension(request, ".u8"), open);
