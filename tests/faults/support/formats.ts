import { gzipSync } from "node:zlib";
import { metaimage } from "@lazyimg/backend-metaimage/backend";
import { mgh } from "@lazyimg/backend-mgh/backend";
import { mif } from "@lazyimg/backend-mif/backend";
import { npy } from "@lazyimg/backend-npy/backend";
import { nrrd } from "@lazyimg/backend-nrrd/backend";
import { type BackendDescriptor, bytesOf } from "@lazyimg/core";
import type { Sample } from "./sample.js";

/** What opens the formats that `lazyimg` does not bring. */
export const OTHER_BACKENDS: readonly BackendDescriptor[] = [metaimage, mgh, mif, npy, nrrd];

/** The sample in those formats, by file name; headers say no more than they must. */
export function otherFormats({ tensor, files }: Sample): Record<string, Uint8Array> {
  const [c, i, j, k] = tensor.shape;
  // I goes fastest, channels slowest.
  const body = files["pair.img"]!;
  const file = (header: string | Uint8Array, data: Uint8Array): Uint8Array =>
    new Uint8Array(Buffer.concat([Buffer.from(header as string), data]));
  const nrrdHeader = (encoding: string): string =>
    `NRRD0004\ntype: int16\ndimension: 4\nsizes: ${i} ${j} ${k} ${c}\nkinds: domain domain domain list\n` +
    `endian: little\nencoding: ${encoding}\n\n`;
  const npyHeader = `{'descr': '<i2', 'fortran_order': False, 'shape': (${[c, i, j, k]}), }`.padEnd(117);
  const mghHeader = Buffer.alloc(284);
  for (const [n, value] of [1, i, j, k, c, 4].entries()) mghHeader.writeInt32BE(value, 4 * n);
  return {
    "scan.mha": file(
      `ObjectType = Image\nNDims = 4\nBinaryData = True\nBinaryDataByteOrderMSB = False\nDimSize = ${i} ${j} ${k} ${c}\n` +
        "ElementType = MET_SHORT\nElementDataFile = LOCAL\n",
      body,
    ),
    "scan.mgh": file(mghHeader, Buffer.from(body).swap16()),
    "scan.mif": file(
      `mrtrix image\ndim: ${i},${j},${k},${c}\nvox: 1,1,1,1\nlayout: +0,+1,+2,+3\ndatatype: Int16LE\nfile: . 200\nEND\n`.padEnd(
        200,
        "\0",
      ),
      body,
    ),
    "scan.npy": file(
      Buffer.from(`\x93NUMPY\x01\x00\x76\x00${npyHeader}\n`, "latin1"),
      bytesOf(tensor.copy("C").data),
    ),
    "scan.nrrd": file(nrrdHeader("raw"), body),
    "packed.nrrd": file(nrrdHeader("gzip"), gzipSync(body)),
  };
}
