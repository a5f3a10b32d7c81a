import { deflateSync, gzipSync } from "node:zlib";

const NOTHING = new Uint8Array();
const file = (header, data) => new Uint8Array(Buffer.concat([Buffer.from(header), data]));

function nrrd([c, i, j, k], encoding, dataFile) {
  const lines = [
    "NRRD0004",
    "type: int16",
    "dimension: 4",
    `sizes: ${i} ${j} ${k} ${c}`,
    "kinds: domain domain domain list",
    "endian: little",
    `encoding: ${encoding}`,
    dataFile === undefined ? "\n" : `data file: ${dataFile}\n`,
  ];
  return lines.join("\n");
}

function metaimage([c, i, j, k], dataFile, more = []) {
  const lines = [
    "ObjectType = Image",
    "NDims = 4",
    "BinaryData = True",
    "BinaryDataByteOrderMSB = False",
    ...more,
    `DimSize = ${i} ${j} ${k} ${c}`,
    "ElementType = MET_SHORT",
    `ElementDataFile = ${dataFile}\n`,
  ];
  return lines.join("\n");
}

function mif([c, i, j, k], dataFile, offset) {
  const lines = [
    "mrtrix image",
    `dim: ${i},${j},${k},${c}`,
    "vox: 1,1,1,1",
    "layout: +0,+1,+2,+3",
    "datatype: Int16LE",
    `file: ${dataFile} ${offset}`,
    "END\n",
  ];
  return lines.join("\n").padEnd(offset, "\0");
}

export function otherFormats({ shape, body, inC }, named = (name) => name) {
  const [c, i, j, k] = shape;
  const mgh = Buffer.alloc(284);
  for (const [n, value] of [1, i, j, k, c, 4].entries()) mgh.writeInt32BE(value, 4 * n);
  const whole = file(mgh, Buffer.from(body).swap16());
  const zlib = deflateSync(body);
  const npy = `{'descr': '<i2', 'fortran_order': False, 'shape': (${shape}), }`.padEnd(117);
  // A name in a MIF header ends at a space, and what comes after # is a comment.
  const plain = { "mif.dat": new Uint8Array(body) };
  const files = {
    "scan.mgh": whole,
    "scan.mgz": new Uint8Array(gzipSync(whole)),
    "scan.nrrd": file(nrrd(shape, "raw"), body),
    "packed.nrrd": file(nrrd(shape, "gzip"), gzipSync(body)),
    "apart.nhdr": file(nrrd(shape, "raw", named("nrrd.raw")), NOTHING),
    "nrrd.raw": new Uint8Array(body),
    "scan.mha": file(metaimage(shape, "LOCAL"), body),
    "packed.mha": file(
      metaimage(shape, "LOCAL", ["CompressedData = True", `CompressedDataSize = ${zlib.length}`]),
      zlib,
    ),
    "apart.mhd": file(metaimage(shape, named("meta.raw")), NOTHING),
    "meta.raw": new Uint8Array(body),
    "scan.mif": file(mif(shape, ".", 200), body),
    "apart.mih": file(mif(shape, "mif.dat", 0), NOTHING),
    "scan.npy": file(Buffer.from(`\x93NUMPY\x01\x00\x76\x00${npy}\n`, "latin1"), inC),
  };
  const all = Object.entries(files).map(([name, bytes]) => [named(name), bytes]);
  return { ...plain, ...Object.fromEntries(all) };
}
