// Peers that have to have the whole file: nifti-reader-js, NiiVue's loader and itk-wasm. A region is cut out of it.
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { cut } from "./region.mjs";

const remote = (path) => path.startsWith("http:");
const peer = (name) => import(`../peers/javascript/node_modules/${name}`);

async function bytesOf(path) {
  if (remote(path)) return (await fetch(path)).arrayBuffer();
  const { buffer, byteOffset, length } = await readFile(path);
  return buffer.slice(byteOffset, byteOffset + length);
}

export async function niftiReaderJs({ path, shape }) {
  const reader = await peer("nifti-reader-js/dist/nifti.js");
  const file = await bytesOf(path);
  const bytes = reader.isCompressed(file) ? reader.decompress(file) : file;
  const header = reader.readHeader(bytes);
  return {
    read: (index) => cut(new Int16Array(reader.readImage(header, bytes)), shape, index),
    close() {},
  };
}

/** It has no loader for Node alone: what it needs of a browser is `fetch`, and a URL. */
export async function niivue({ path, shape }) {
  const { NVImage } = await peer("@niivue/niivue/build/niivue/index.js");
  const url = remote(path) ? path : URL.createObjectURL(new Blob([await readFile(path)]));
  const image = await NVImage.loadFromUrl({ url, name: path });
  return { read: (index) => cut(image.img, shape, index), close() {} };
}

export async function itkWasm({ path, shape }) {
  const { readImageNode } = await peer("@itk-wasm/image-io/dist/index-node.js");
  if (!remote(path)) return itkImage(await readImageNode(path), shape);
  // It reads files.
  const folder = await mkdtemp(join(tmpdir(), "lazyimg-bench-itk-"));
  const file = join(folder, basename(path));
  try {
    await writeFile(file, (await fetch(path)).body);
    return itkImage(await readImageNode(file), shape);
  } finally {
    await rm(folder, { recursive: true });
  }
}

const itkImage = ({ data }, shape) => ({ read: (index) => cut(data, shape, index), close() {} });
