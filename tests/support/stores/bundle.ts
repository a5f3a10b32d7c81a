import { build } from "esbuild";

/** What a browser gets of a module: what it loads at first, then what it loads on demand. */
export async function bundle(folder: string, contents: string, external: string[] = []): Promise<string[]> {
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
export async function bundled<T>(folder: string, contents: string): Promise<{ code: string; module: T }> {
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
