import { gzipSync } from "node:zlib";
import { build } from "esbuild";
import { expect, test } from "vitest";

async function bundle(contents: string, external: string[] = []): Promise<string> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    external,
    write: false,
    logLevel: "silent",
  });
  return outputFiles[0]!.text;
}

test("a bundle for browsers has nothing of Node, and signs", async () => {
  const code = await bundle(`export { s3 } from "@lazyimg/transport-s3";`);
  expect(code).not.toMatch(/node:|\brequire\(|\bBuffer\b|\bprocess\./);
  const { s3 } = (await import(
    `data:text/javascript,${encodeURIComponent(code)}`
  )) as typeof import("@lazyimg/transport-s3");
  let sent: Headers | undefined;
  const { url, fetch } = s3("s3://bucket/scan.nii", {
    readerOptions: { s3: { credentials: { accessKeyId: "KEY", secretAccessKey: "secret" } } },
    fetch: async (_, init) => {
      sent = new Headers(init?.headers);
      return new Response("x");
    },
  });
  await fetch!(url, { headers: new Headers({ range: "bytes=0-0" }) });
  expect(url).toBe("https://bucket.s3.us-east-1.amazonaws.com/scan.nii");
  expect(sent!.get("authorization")).toMatch(/^AWS4-HMAC-SHA256 Credential=KEY\/\d{8}\/us-east-1\/s3\//);
  expect(sent!.get("range")).toBe("bytes=0-0");
});

test("it is small, and an app without it has none of it", async () => {
  const size = gzipSync(await bundle(`import "@lazyimg/transport-s3";`, ["@lazyimg/*"])).length;
  expect(size).toBeLessThan(5000);
  expect(await bundle(`export { openSource } from "@lazyimg/byte-source";`)).not.toMatch(/AWS4|amazonaws/);
});
