import { copyFileSync, existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { readIndex } from "@lazyimg/seekable-gzip";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { openImage } from "lazyimg";
import { beforeAll, describe, expect, it } from "vitest";
import { lazyimg, lazyimgJson, PHANTOM, start, temporaryFolder } from "./command.js";

const folder = temporaryFolder();
const path = join(folder, "phantom.nii.gz");
beforeAll(() => copyFileSync(PHANTOM, path));

describe("lazyimg index", () => {
  it("writes SRC.gzidx, in indexed_gzip's format", async () => {
    const { code, stdout, stderr } = await lazyimg("index", path);
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(/^.*phantom\.nii\.gz\.gzidx: \d+ points, .*B, of .* that hold .*\n$/);
    const bytes = readFileSync(`${path}.gzidx`);
    expect(bytes.subarray(0, 7)).toEqual(Buffer.from("GZIDX\x01\0"));
    const index = readIndex(bytes);
    expect(index.compressedSize).toBe(statSync(path).size);
    expect(index.size).toBe(gunzipSync(readFileSync(path)).length);
    // Nothing else is left behind.
    expect(readdirSync(folder).sort()).toEqual(["phantom.nii.gz", "phantom.nii.gz.gzidx"]);
  });

  it("serves the next reader, and changes nothing else", async () => {
    await lazyimg("index", path);
    const image = await openImage(path, { readerOptions: { onWarning: expect.unreachable } });
    const plane = await image.read(["...", 60]);
    const other = await openImage(PHANTOM, { readerOptions: { gzipIndex: false } });
    expect(plane.data).toEqual((await other.read(["...", 60])).data);
    expect(image.explain(["...", 2])!.bytes).toBeLessThan(statSync(path).size);
    const [info, before] = [await lazyimgJson("info", path), await lazyimgJson("info", PHANTOM)];
    expect(info).toEqual({ ...before, source: path });
  });

  it("takes another place, distance and form", async () => {
    const output = join(folder, "other.gzidx");
    const told = await lazyimgJson("index", path, "-o", output, "--spacing", "2", "--compress");
    const bytes = readFileSync(output);
    expect(bytes[0]).toBe(0x1f);
    const index = readIndex(new Uint8Array(bytes));
    expect(told).toEqual({
      ...{ source: path, output, bytes: bytes.length, points: index.points.length },
      ...{ spacing: 2 * 2 ** 20, compressedSize: index.compressedSize, size: index.size },
    });
    const image = await openImage(path, {
      readerOptions: { gzipIndex: output, onWarning: expect.unreachable },
    });
    expect((await image.read(["...", 60])).shape[3]).toBe(1);
  });

  it("of a URL, is written to the current folder", async () => {
    const server = await misbehavingServer({ "far.nii.gz": readFileSync(path) });
    const { code, stderr } = await start(["index", `${server.url}far.nii.gz?key=1`], folder).outcome;
    await server.close();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(
      readIndex(new Uint8Array(readFileSync(join(folder, "far.nii.gz.gzidx")))).points.length,
    ).toBeGreaterThan(0);
  });

  it("sends headers along", async () => {
    const server = await misbehavingServer({ "locked.nii.gz": readFileSync(path) });
    const args = ["index", `${server.url}locked.nii.gz`, "--header", "Authorization: Bearer abc"];
    const { code, stderr } = await start([...args, "--header", "X-More: 1"], folder).outcome;
    const sent = server.log.map(({ headers }) => [headers.authorization, headers["x-more"]]);
    await server.close();
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(new Set(sent.map(String))).toEqual(new Set(["Bearer abc,1"]));
    expect((await lazyimg("index", path, "--header", "nonsense")).stderr).toContain("[ERR_USAGE]");
  });

  it("leaves what was there where the file is bad, and says what is wrong", async () => {
    const bad = join(folder, "bad.nii.gz");
    const bytes = gzipSync(Buffer.alloc(300_000, 7));
    bytes[bytes.length - 8]! ^= 1;
    writeFileSync(bad, bytes);
    writeFileSync(`${bad}.gzidx`, "what was there");
    const { code, stderr } = await lazyimg("index", bad);
    expect(code).toBe(1);
    expect(stderr).toContain("[ERR_CHECKSUM]");
    expect(readFileSync(`${bad}.gzidx`, "utf8")).toBe("what was there");
    writeFileSync(join(folder, "plain.nii"), "no gzip at all, but plain text");
    expect((await lazyimg("index", join(folder, "plain.nii"))).stderr).toContain("[ERR_CORRUPT]");
    expect((await lazyimg("index", join(folder, "missing.nii.gz"))).stderr).toContain("[ERR_NOT_FOUND]");
    expect((await lazyimg("index", path, "--spacing", "0")).code).toBe(2);
    expect((await lazyimg("index", path, "-o", join(folder, "no", "such", "folder"))).stderr).toContain(
      "[ERR_IO]",
    );
    expect(existsSync(join(folder, "plain.nii.gzidx"))).toBe(false);
  });
});
