import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { describe, expect, test } from "vitest";

async function bundle(
  contents: string,
  platform: "browser" | "node",
  external: string[] = [],
): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform,
    external,
    write: false,
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}

const everything = `export * from "@lazyimg/byte-source";`;

describe("a bundle for browsers", () => {
  test("has nothing of Node, and says what to use instead of paths", async () => {
    const code = await bundle(everything, "browser");
    expect(code).not.toMatch(/node:|\brequire\(|\bBuffer\b|\bprocess\./);
    const { fileSource, openSource } = await import(`data:text/javascript,${encodeURIComponent(code)}`);
    expect(() => fileSource("/data/scan.nii")).toThrow(expect.objectContaining({ code: "ERR_UNSUPPORTED" }));
    expect(() => openSource({ path: "scan.nii" })).toThrow(/URL|File/);
    expect(await openSource({ bytes: Uint8Array.of(1, 2, 3) }).read(1, 5)).toEqual(Uint8Array.of(2, 3));
  });

  test("is small, and leaves out what is not used", async () => {
    const size = async (contents: string): Promise<number> =>
      gzipSync(await bundle(contents, "browser", ["@lazyimg/core"]), { level: 9 }).length;
    expect(await size(everything)).toBeLessThan(7500);
    expect(await size(`export { openSource, openSibling, peek } from "@lazyimg/byte-source";`)).toBeLessThan(
      6500,
    );
    expect(await size(`export { bytesSource } from "@lazyimg/byte-source";`)).toBeLessThan(1000);
    expect(await size(`import "@lazyimg/byte-source";`)).toBeLessThan(100);
  });
});

test("a bundle for Node reads files", async () => {
  const code = await bundle(everything, "node");
  expect(code).toContain("node:fs");
});

test("the public surface", async () => {
  expect(Object.keys(await import("@lazyimg/byte-source")).sort()).toEqual([
    "blobSource",
    "bytesSource",
    "cached",
    "coalescing",
    "fileSource",
    "httpSource",
    "listTransports",
    "openSibling",
    "openSource",
    "peek",
    "registerTransport",
    "remoteOf",
    "sniff",
    "unregisterTransport",
  ]);
});

test("the README's snippet runs", async () => {
  const readme = readFileSync(fileURLToPath(new URL("../README.md", import.meta.url)), "utf8");
  const snippets = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map((found) => found[1] ?? "");
  expect(snippets.length).toBeGreaterThan(0);
  const { outputFiles } = await build({
    stdin: { contents: snippets.join("\n"), resolveDir: import.meta.dirname, loader: "ts" },
    bundle: true,
    format: "esm",
    platform: "node",
    write: false,
  });
  await import(`data:text/javascript,${encodeURIComponent(outputFiles[0]?.text ?? "")}`);
});
