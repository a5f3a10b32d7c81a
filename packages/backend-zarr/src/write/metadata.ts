import type { NiftiHeader } from "@lazyimg/nifti-header";
import { arrayAttributes, multiscalesOf, v2Metadata, v3Metadata } from "./layout.js";
import type { Sink } from "./sink.js";
import type { Prepared } from "./write-zarr.js";

const encodeJson = (value: unknown): Uint8Array =>
  new TextEncoder().encode(`${JSON.stringify(value, null, 2)}\n`);

/** Writes what tells where the voxels are, the root last: until then there is no image. */
export async function writeMetadata(prepared: Prepared, sink: Sink): Promise<void> {
  const { plan, header, headerBytes, axes, levels, layouts } = prepared;
  const multiscales = multiscalesOf(header, axes, levels, plan);
  const attributes = headerAttributes(header);
  const length = headerBytes.length;
  const put = (key: string, value: unknown) => sink.set(key, encodeJson(value));
  if (plan.zarrFormat === 2) {
    for (const [n, layout] of layouts.entries()) {
      await put(`${n}/.zarray`, v2Metadata(layout));
      await put(`${n}/.zattrs`, arrayAttributes(axes));
    }
    await put("nifti/.zarray", {
      zarr_format: 2,
      shape: [length],
      chunks: [length],
      dtype: "|u1",
      compressor: null,
      fill_value: null,
      order: "C",
      filters: null,
      dimension_separator: "/",
    });
    await put("nifti/.zattrs", attributes);
    await sink.set("nifti/0", headerBytes);
    await put(".zattrs", { multiscales: [multiscales] });
    await put(".zgroup", { zarr_format: 2 });
    return;
  }
  for (const [n, layout] of layouts.entries()) await put(`${n}/zarr.json`, v3Metadata(layout));
  await put("nifti/zarr.json", {
    zarr_format: 3,
    node_type: "array",
    shape: [length],
    data_type: "uint8",
    chunk_grid: { name: "regular", configuration: { chunk_shape: [length] } },
    chunk_key_encoding: { name: "default", configuration: { separator: "/" } },
    fill_value: 0,
    codecs: [{ name: "bytes" }],
    attributes,
    storage_transformers: [],
  });
  await sink.set("nifti/c/0", headerBytes);
  await put("zarr.json", {
    zarr_format: 3,
    node_type: "group",
    attributes: { ome: { version: "0.5", multiscales: [multiscales] } },
  });
}

/** The fields that people look for, by JNIfTI's names. They inform; the binary header counts. */
function headerAttributes(header: NiftiHeader): Readonly<Record<string, unknown>> {
  const finite = (value: number) => (Number.isFinite(value) ? value : 0);
  return {
    NIIHeaderSize: header.headerBytes,
    NIIFormat: header.version === 1 ? "n+1" : "n+2",
    Dim: header.shape,
    DataType: header.samples === 3 ? "rgb24" : header.samples === 4 ? "rgba32" : header.dtype,
    BitDepth: header.bitpix,
    VoxelSize: header.pixdim.slice(1, header.shape.length + 1).map(finite),
    ScaleSlope: finite(header.sclSlope),
    ScaleOffset: finite(header.sclInter),
    Description: header.description,
    Intent: header.intentCode,
    Affine: [0, 4, 8].map((row) => header.affine.slice(row, row + 4)),
  };
}
