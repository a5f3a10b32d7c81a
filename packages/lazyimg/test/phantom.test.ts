import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync } from "node:zlib";
import { PNG } from "pngjs";
import { expect, it } from "vitest";
import { lazyimgJson, PHANTOM, ROOT, temporaryFolder } from "./command.js";

it("the sample volume is what its script writes", async () => {
  const script = pathToFileURL(join(ROOT, "tools", "phantom.mjs")).href;
  const { phantomFile } = (await import(script)) as { phantomFile(): Uint8Array };
  expect(gunzipSync(readFileSync(PHANTOM)).equals(phantomFile())).toBe(true);
  expect(statSync(PHANTOM).size).toBeLessThan(300_000);
});

it("the picture of it in the documentation is what the command draws", async () => {
  const output = join(temporaryFolder(), "phantom.png");
  await lazyimgJson("preview", PHANTOM, "-o", output);
  const [drawn, shown] = [output, join(ROOT, "docs", "images", "phantom.png")].map((path) =>
    PNG.sync.read(readFileSync(path)),
  );
  expect(drawn!.data.equals(shown!.data)).toBe(true);
});
