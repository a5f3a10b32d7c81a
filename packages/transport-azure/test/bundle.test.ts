import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";
import { bundle, bundled } from "../../../tests/support/stores/bundle.js";

const HERE = import.meta.dirname;

test("a bundle for browsers has nothing of Node, and signs", async () => {
  const { code, module } = await bundled<typeof import("@lazyimg/transport-azure")>(
    HERE,
    `export { azure } from "@lazyimg/transport-azure";`,
  );
  expect(code).not.toMatch(/node:|\brequire\(|\bBuffer\b|\bprocess\./);
  let sent: Headers | undefined;
  const { url, fetch } = module.azure("az://scans/scan.nii", {
    readerOptions: { azure: { account: "mine", credentials: { accountKey: btoa("secret") } } },
    fetch: async (_, init) => {
      sent = new Headers(init?.headers);
      return new Response("x");
    },
  });
  await fetch!(url, { headers: new Headers({ range: "bytes=0-0" }) });
  expect(url).toBe("https://mine.blob.core.windows.net/scans/scan.nii");
  expect(sent!.get("authorization")).toMatch(/^SharedKey mine:[\w+/]{43}=$/);
  expect(sent!.get("range")).toBe("bytes=0-0");
});

test("it is small, writing is loaded on demand, and an app without it has none of it", async () => {
  const [first, ...later] = await bundle(HERE, `import "@lazyimg/transport-azure";`, [
    "@lazyimg/core*",
    "@lazyimg/byte-source*",
  ]);
  expect(gzipSync(first!).length).toBeLessThan(5000);
  expect(first).not.toContain("blocklist");
  expect(later.join()).toContain("blocklist");
  const without = await bundle(HERE, `export { openSource } from "@lazyimg/byte-source";`);
  expect(without.join()).not.toMatch(/SharedKey|windows\.net|blocklist/);
});
