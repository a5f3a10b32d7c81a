import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bundle, bundled } from "../../../tests/support/stores/bundle.js";

const HERE = import.meta.dirname;

test("a bundle for browsers has nothing of Node, and signs", async () => {
  const { code, module } = await bundled<typeof import("@lazyimg/transport-s3")>(
    HERE,
    `export { s3 } from "@lazyimg/transport-s3";`,
  );
  expect(code).not.toMatch(/node:|\brequire\(|\bBuffer\b|\bprocess\./);
  let sent: Headers | undefined;
  const { url, fetch } = module.s3("s3://bucket/scan.nii", {
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

test("it is small, writing is loaded on demand, and an app without it has none of it", async () => {
  const [first, ...later] = await bundle(HERE, `import "@lazyimg/transport-s3";`, [
    "@lazyimg/core*",
    "@lazyimg/byte-source*",
  ]);
  expect(gzipSync(first!).length).toBeLessThan(5000);
  expect(first).not.toContain("uploadId");
  expect(later.join()).toContain("uploadId");
  const without = await bundle(HERE, `export { openSource } from "@lazyimg/byte-source";`);
  expect(without.join()).not.toMatch(/AWS4|amazonaws|uploadId/);
});
