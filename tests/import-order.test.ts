import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { nifti } from "../packages/backend-nifti/dist/backend.js";
import { tensor } from "../packages/backend-tensor/dist/backend.js";
import { niftiZarr, remoteZarr, zarrStore } from "../packages/backend-zarr/dist/backend.js";
import {
  type BackendDescriptor,
  defineBackend,
  IDENTITY,
  registerBackend,
  resolveBackend,
  unregisterBackend,
} from "../packages/core/dist/index.js";
import { lazyReader } from "../packages/reader-lazy/dist/backend.js";
import { requests } from "./support/requests.mjs";

const builtIns = [tensor, lazyReader, nifti, remoteZarr, zarrStore, niftiZarr];
const packages = ["backend-tensor", "reader-lazy", "backend-nifti", "backend-zarr"];

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, n) =>
    permutations([...items.slice(0, n), ...items.slice(n + 1)]).map((rest) => [item, ...rest]),
  );
}

const expected = Object.fromEntries(requests.map(({ what, backend }) => [what, backend]));

test("every built-in takes some of the requests, and some are nobody's", () => {
  expect(Object.keys(expected).length).toBe(requests.length);
  expect(new Set(Object.values(expected))).toEqual(new Set([null, ...builtIns.map(({ name }) => name)]));
});

describe("no two built-ins take the same request", () => {
  test.each(requests)("$what", async ({ backend, request }) => {
    const takers: string[] = [];
    for (const { name, matches } of builtIns) if (await matches(request)) takers.push(name);
    expect(takers).toEqual(backend === null ? [] : [backend]);
  });
});

/** The same predicate, opening something that tells which it was: the sources of these requests do not exist. */
function telling({ name, matches }: BackendDescriptor): BackendDescriptor {
  const backend = defineBackend({
    shape: [1, 1, 1, 1],
    affine: IDENTITY,
    dtype: "uint8",
    header: name,
    readRegion: () => Promise.reject(new Error("not asked to")),
  });
  return { name, matches, open: () => backend };
}

test("whatever the order of descriptors, the same one is resolved", async () => {
  const orders = permutations(builtIns.map(telling));
  expect(orders.length).toBe(720);
  for (const backends of orders) {
    for (const { what, backend, request } of requests) {
      const resolved = await resolveBackend(request, { backends });
      if ((resolved?.header ?? null) !== backend) {
        expect.fail(`${what}: ${resolved?.header} for ${backends.map(({ name }) => name)}`);
      }
    }
  }
});

test("in a fresh process, whatever the order of imports, the same backend takes each request", async () => {
  const script = fileURLToPath(new URL("support/import-order.mjs", import.meta.url));
  const orders = permutations(packages);
  expect(orders.length).toBe(24);
  const lists = new Set<string>();
  const work = async () => {
    for (let order = orders.pop(); order !== undefined; order = orders.pop()) {
      const { stdout } = await promisify(execFile)(process.execPath, [script, ...order]);
      const { names, taken } = JSON.parse(stdout) as { names: string[]; taken: object };
      lists.add(names.join());
      expect([...names].sort()).toEqual(builtIns.map(({ name }) => name).sort());
      expect({ order, taken }).toEqual({ order, taken: expected });
    }
  };
  await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, work));
  // The orders differ indeed.
  expect(lists.size).toBe(24);
});

test("what a user registers comes before every built-in, whenever those are imported", async () => {
  const mine = telling({ name: "mine", matches: () => true, open: () => null });
  registerBackend(mine.name, mine.matches, mine.open);
  for (const { name, matches, open } of builtIns.map(telling))
    registerBackend(name, matches, open, { prepend: false });
  try {
    for (const { request } of requests) expect((await resolveBackend(request))?.header).toBe("mine");
  } finally {
    for (const { name } of [mine, ...builtIns]) unregisterBackend(name);
  }
});
