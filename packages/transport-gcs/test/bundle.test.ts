import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bundle, bundled } from "../../../tests/support/stores/bundle.js";

const HERE = import.meta.dirname;

test("a bundle for browsers has nothing of Node, and sends the token", async () => {
  const { code, module } = await bundled<typeof import("@lazyimg/transport-gcs")>(
    HERE,
    `export { gcs } from "@lazyimg/transport-gcs";`,
  );
  expect(code).not.toMatch(/node:|\brequire\(|\bBuffer\b|\bprocess\./);
  let sent: Headers | undefined;
  const { url, fetch } = module.gcs("gs://scans/scan.nii", {
    readerOptions: { gcs: { credentials: async () => ({ token: "ya29.x" }) } },
    fetch: async (_, init) => {
      sent = new Headers(init?.headers);
      return new Response("x");
    },
  });
  await fetch!(url, { headers: new Headers({ range: "bytes=0-0" }) });
  expect(url).toBe("https://storage.googleapis.com/scans/scan.nii");
  expect(sent!.get("authorization")).toBe("Bearer ya29.x");
  expect(sent!.get("range")).toBe("bytes=0-0");
});

test("it is small, writing is loaded on demand, and an app without it has none of it", async () => {
  const [first, ...later] = await bundle(HERE, `import "@lazyimg/transport-gcs";`, [
    "@lazyimg/core*",
    "@lazyimg/byte-source*",
  ]);
  expect(gzipSync(first!).length).toBeLessThan(5000);
  expect(first).not.toContain("uploadType");
  expect(later.join()).toContain("uploadType");
  const without = await bundle(HERE, `export { openSource } from "@lazyimg/byte-source";`);
  expect(without.join()).not.toMatch(/googleapis|Bearer|uploadType/);
});
