import { gzipSync } from "node:zlib";
import type { Remote, TransportRequest } from "@lazyimg/byte-source";
import { build } from "esbuild";
import { expect, test } from "vitest";

/** What a browser gets of a module: what it loads at first, then what it loads on demand. */
async function bundle(folder: string, contents: string, external: string[] = []): Promise<string[]> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder, sourcefile: "app.js" },
    bundle: true,
    splitting: true,
    outdir: "out",
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    external,
    write: false,
    logLevel: "silent",
  });
  const isFirst = (path: string): boolean => /(stdin|app)\.js$/.test(path);
  const byOrder = outputFiles.toSorted((a, b) => Number(isFirst(b.path)) - Number(isFirst(a.path)));
  return byOrder.map(({ text }) => text);
}

/** The module as a browser would have it, in one file. */
async function bundled<T>(folder: string, contents: string): Promise<{ code: string; module: T }> {
  const { outputFiles } = await build({
    stdin: { contents, resolveDir: folder },
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    platform: "browser",
    write: false,
    logLevel: "silent",
  });
  const code = outputFiles[0]!.text;
  return { code, module: (await import(`data:text/javascript,${encodeURIComponent(code)}`)) as T };
}

/** What the bundle of a transport is to be. */
interface TransportBundle<Module> {
  /** Where the package is found from. */
  readonly folder: string;
  readonly name: string;
  /** An object of the store, asked for by this fetch with credentials. */
  open(module: Module, fetch: TransportRequest["fetch"]): Remote;
  readonly url: string;
  readonly authorization: RegExp;
  /** A word of its writing, and words of it all. */
  readonly writing: string;
  readonly words: RegExp;
}

/** Tests of the bundle of a transport. */
export function testBundle<Module>(expected: TransportBundle<Module>): void {
  const { folder, name, open, url, authorization, writing, words } = expected;

  test("a bundle for browsers has nothing of Node, and signs", async () => {
    const { code, module } = await bundled<Module>(folder, `export * from "${name}";`);
    expect(code).not.toMatch(/node:|\brequire\(|\bBuffer\b|\bprocess\./);
    let sent: Headers | undefined;
    const remote = open(module, async (_, init) => {
      sent = new Headers(init?.headers);
      return new Response("x");
    });
    await remote.fetch!(remote.url, { headers: new Headers({ range: "bytes=0-0" }) });
    expect(remote.url).toBe(url);
    expect(sent!.get("authorization")).toMatch(authorization);
    expect(sent!.get("range")).toBe("bytes=0-0");
  });

  test("it is small, writing is loaded on demand, and an app without it has none of it", async () => {
    const external = ["@lazyimg/core*", "@lazyimg/byte-source*"];
    const [first, ...later] = await bundle(folder, `import "${name}";`, external);
    expect(gzipSync(first!).length).toBeLessThan(5000);
    expect(first).not.toContain(writing);
    expect(later.join()).toContain(writing);
    const without = await bundle(folder, `export { openSource } from "@lazyimg/byte-source";`);
    expect(without.join()).not.toMatch(words);
  });
}
