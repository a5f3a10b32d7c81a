import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { expect, test } from "vitest";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));

/** The files that a bundle for browsers is made of. */
async function inputsOf(contents: string): Promise<string[]> {
  const { metafile } = await build({
    stdin: { contents, resolveDir: ROOT },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "browser",
    outdir: "unused",
    write: false,
    metafile: true,
    logLevel: "silent",
  });
  return Object.keys(metafile.inputs);
}

test("browsers get nothing of queues, and the command has them only when they are asked for", async () => {
  const ours = /packages\/distributed\/|node_modules\/(bullmq|ioredis|valibot)\//;
  const inputs = await inputsOf(`export * from "lazyimg"; export * from "@lazyimg/backend-zarr";`);
  expect(inputs.some((input) => input.includes("packages/backend-zarr/"))).toBe(true);
  expect(inputs.filter((input) => ours.test(input))).toEqual([]);
  const command = readFileSync(`${ROOT}packages/lazyimg/dist/bin/lazyimg.cjs`, "utf8");
  expect(command).toContain('import("@lazyimg/distributed")');
  expect(command).not.toMatch(/maxRetriesPerRequest|bullmq/);
});
