import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { join, posix } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { encodeNiftiHeader } from "@lazyimg/nifti-header";
import { ROOT } from "./snippets.js";

/** A small volume: an ellipsoid in int16, in case the repository's own is not there. */
function ellipsoid(): Uint8Array {
  const [I, J, K] = [64, 64, 32];
  const header = encodeNiftiHeader({
    shape: [1, I, J, K],
    dtype: "int16",
    affine: [3, 0, 0, -96, 0, 3, 0, -96, 0, 0, 4, -64, 0, 0, 0, 1],
  });
  const voxels = new Int16Array(I * J * K);
  for (let n = 0; n < voxels.length; n++) {
    const [i, j, k] = [n % I, Math.floor(n / I) % J, Math.floor(n / (I * J))];
    const distance = Math.hypot((i - I / 2) / I, (j - J / 2) / J, (k - K / 2) / K);
    voxels[n] = Math.max(0, Math.round(1000 * (1 - 2 * distance)));
  }
  return Buffer.concat([header, new Uint8Array(voxels.buffer)]);
}

/** A time series whose integers are scaled: five volumes, two seconds apart. */
function series(): Uint8Array {
  const header = encodeNiftiHeader({
    shape: [5, 16, 16, 8],
    dtype: "int16",
    affine: [4, 0, 0, -32, 0, 4, 0, -32, 0, 0, 4, -16, 0, 0, 0, 1],
    scaling: { slope: 0.5, inter: 10 },
    repetitionTime: 2,
  });
  const voxels = Int16Array.from({ length: 5 * 16 * 16 * 8 }, (_, n) => n % 1000);
  return Buffer.concat([header, new Uint8Array(voxels.buffer)]);
}

/** numpy.save of numpy.arange(120, dtype="float32").reshape(4, 5, 6). */
function npy(): Uint8Array {
  const text = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 5, 6), }".padEnd(117);
  const values = Float32Array.from({ length: 120 }, (_, n) => n);
  return Buffer.concat([
    Buffer.from(`\x93NUMPY\x01\0\x76\0${text}\n`, "latin1"),
    new Uint8Array(values.buffer),
  ]);
}

/** The files that snippets find in their folder, and on https://example.org/ under any path. */
export async function files(): Promise<Record<string, Uint8Array>> {
  const example = join(ROOT, "examples", "phantom.nii.gz");
  const phantom = existsSync(example) ? await readFile(example) : gzipSync(ellipsoid());
  const golden = (name: string): Promise<Uint8Array> => readFile(join(ROOT, "tests", "golden", name));
  return {
    "examples/phantom.nii.gz": phantom,
    "scan.nii.gz": phantom,
    "scan.nii": gunzipSync(phantom),
    "bold.nii.gz": gzipSync(series()),
    "brain.npy": npy(),
    "orig.mgz": await golden("mgh/gzipped.mgz"),
    "dwi.nrrd": await golden("nrrd/list-last.nrrd"),
    "ct.mha": await golden("metaimage/compressed.mha"),
    "slice.png": await golden("itk/uint16.png"),
  };
}

/**
 * Serves the files by their last name, with ranges, but for paths with `no-ranges` in them. Paths with `private` in them
 * want an Authorization header or a signature in the query.
 */
export async function serve(served: Record<string, Uint8Array>): Promise<Server> {
  const server = createServer((request, response) => {
    const url = new URL(request.url!, "http://localhost");
    const name = posix.basename(url.pathname);
    const bytes = Object.entries(served).find(([path]) => posix.basename(path) === name)?.[1];
    if (bytes === undefined) return response.writeHead(404).end();
    const allowed = request.headers.authorization !== undefined || url.search !== "";
    if (url.pathname.includes("private") && !allowed) return response.writeHead(401).end();
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    if (from === undefined || url.pathname.includes("no-ranges")) {
      return response.writeHead(200, { "content-length": bytes.length }).end(bytes);
    }
    const end = Math.min(to === "" ? bytes.length : Number(to) + 1, bytes.length);
    if (Number(from) >= bytes.length) {
      return response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
    }
    response.writeHead(206, {
      "content-range": `bytes ${from}-${end - 1}/${bytes.length}`,
      "content-length": end - Number(from),
      etag: '"1"',
    });
    return response.end(bytes.subarray(Number(from), end));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}
