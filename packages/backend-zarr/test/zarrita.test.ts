import "@lazyimg/backend-zarr";
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { readBloscFrame } from "@lazyimg/codecs";
import { volume } from "@lazyimg/testkit";
import Blosc from "numcodecs/blosc";
import Zstd from "numcodecs/zstd";
import { describe, expect, test, vi } from "vitest";
import { get, open, registry } from "zarrita";

/** zarrita's own reads, with the decoder that importing the backend registers. */

const { tensor, affine } = volume({ dtype: "int16", shape: [1, 32, 24, 16] });

test.each([
  [2, "blosc"],
  [3, "blosc"],
  [2, "zstd"],
  [3, "zstd"],
] as const)("zarrita reads v%d of %s with the registered decoder", async (zarrFormat, codec) => {
  const store = new Map<string, Uint8Array>();
  await writeNiftiZarr(tensorBackend(tensor, affine), store, { zarrFormat, codec, chunk: 16, levels: 1 });
  const used = vi.spyOn(await registry.get(codec)!(), "fromConfig");
  const array = await open(store as never, { kind: "group" }).then((group) =>
    open(group.resolve("0"), { kind: "array" }),
  );
  const { data } = await get(array);
  expect(used).toHaveBeenCalled();
  // z, y, x in C order is I fastest.
  expect(data).toEqual(tensor.copy("F").data);
});

describe.each(["lz4", "lz4hc", "zstd", "zlib", "blosclz"])("blosc of %s", (cname) => {
  test.each([0, 1, 2])("with shuffle %d decodes as c-blosc does", async (shuffle) => {
    const bytes = new Uint8Array((tensor.data as Int16Array).slice().buffer);
    const config = { id: "blosc", cname, clevel: 5, shuffle, blocksize: 0 };
    const encoded = await Blosc.fromConfig(config as never).encode(bytes);
    expect(readBloscFrame(encoded).size).toBe(bytes.length);
    const codec = (await registry.get("numcodecs.blosc")!()).fromConfig(config, {} as never);
    expect(new Uint8Array((await codec.decode(encoded)) as Uint8Array)).toEqual(bytes);
  });
});

test.each([1, 9, -5])("zstd of level %d decodes as libzstd does", async (level) => {
  const bytes = new Uint8Array((tensor.data as Int16Array).slice().buffer);
  const config = { id: "zstd", level };
  const encoded = await Zstd.fromConfig(config as never).encode(bytes);
  const codec = (await registry.get("numcodecs.zstd")!()).fromConfig(config, {} as never);
  expect(new Uint8Array((await codec.decode(encoded)) as Uint8Array)).toEqual(bytes);
});

test("zstd that leaves its length open is left to numcodecs", async () => {
  const codec = (await registry.get("zstd")!()).fromConfig({}, {} as never);
  // One stored block of three bytes (RFC 8878, section 3.1.1).
  const open = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, 0x58, 0x19, 0, 0, 7, 8, 9);
  expect([...((await codec.decode(open)) as Uint8Array)]).toEqual([7, 8, 9]);
});
