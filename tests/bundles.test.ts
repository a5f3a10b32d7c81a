import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { builtinModules, createRequire } from "node:module";
import { tmpdir } from "node:os";
import { basename, join, relative } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { build as esbuild } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** What bundlers make of the packages as they are published: their `dist/`, `exports`, `imports` and `sideEffects`. */

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Backend packages, with the name that importing each registers. */
const BACKENDS = {
  "@lazyimg/backend-nifti": "nifti",
  "@lazyimg/backend-tensor": "tensor",
  "@lazyimg/reader-lazy": "custom-reader",
} as const;
const OTHERS = { ...BACKENDS, "@lazyimg/backend-zarr": "nifti-zarr" };

interface Chunk {
  readonly name: string;
  readonly code: string;
  readonly isEntry: boolean;
  /** Names of the chunks that are loaded together with this one. */
  readonly imports: readonly string[];
  /** Bytes of code by the package they come from. */
  readonly packages: Readonly<Record<string, number>>;
}

/** The package of a module: a folder of `packages/`, or an npm package. */
function packageOf(file: string): string | undefined {
  const path = relative(ROOT, file);
  return /^packages\/([^/]+)\//.exec(path)?.[1] ?? /.*node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1];
}

function byPackage(modules: readonly (readonly [file: string, bytes: number])[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const [file, bytes] of modules) {
    const name = packageOf(file);
    if (name !== undefined && bytes > 0) result[name] = (result[name] ?? 0) + bytes;
  }
  return result;
}

async function byEsbuild(source: string): Promise<Chunk[]> {
  const { outputFiles, metafile } = await esbuild({
    stdin: { contents: source, resolveDir: ROOT, sourcefile: "app.js" },
    absWorkingDir: ROOT,
    bundle: true,
    splitting: true,
    outdir: join(ROOT, "out"),
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  return Object.entries(metafile.outputs).map(([name, { inputs, imports, entryPoint }]) => ({
    name: basename(name),
    code: outputFiles.find(({ path }) => basename(path) === basename(name))!.text,
    isEntry: entryPoint === "app.js",
    imports: imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => basename(path)),
    packages: byPackage(
      Object.entries(inputs).map(([file, { bytesInOutput }]) => [join(ROOT, file), bytesInOutput] as const),
    ),
  }));
}

type Vite = { build(config: object): Promise<unknown> };
interface ViteChunk {
  readonly fileName: string;
  readonly code: string;
  readonly isEntry: boolean;
  readonly imports: readonly string[];
  readonly modules?: Readonly<Record<string, { readonly renderedLength: number }>>;
}

/** Vite, with rolldown inside, comes with vitest. */
async function byVite(source: string): Promise<Chunk[]> {
  const require = createRequire(createRequire(import.meta.url).resolve("vitest/package.json"));
  const { build } = (await import(pathToFileURL(require.resolve("vite")).href)) as Vite;
  const entry = join(folder, `entry-${++count}.js`);
  await writeFile(entry, source);
  const result = (await build({
    root: ROOT,
    configFile: false,
    envFile: false,
    logLevel: "silent",
    // The entry lies outside of the workspace; what it imports is looked up as from there.
    plugins: [
      {
        name: "from-root",
        async resolveId(this: { resolve: Resolve }, id: string, importer: string | undefined) {
          return importer === entry ? this.resolve(id, join(ROOT, "entry.js"), { skipSelf: true }) : null;
        },
      },
    ],
    build: {
      write: false,
      minify: false,
      target: "es2022",
      lib: { entry, formats: ["es"], fileName: "app" },
    },
  })) as readonly { readonly output: readonly ViteChunk[] }[];
  return result
    .flatMap(({ output }) => output)
    .filter(({ modules }) => modules !== undefined)
    .map(({ fileName, code, isEntry, imports, modules }) => ({
      name: basename(fileName),
      code,
      isEntry,
      imports: imports.map((name) => basename(name)),
      packages: byPackage(
        Object.entries(modules!).map(([file, { renderedLength }]) => [file, renderedLength] as const),
      ),
    }));
}

/** The chunks that are loaded when the app starts. */
function atStart(chunks: readonly Chunk[]): Chunk[] {
  const found = new Set<Chunk>();
  const visit = (chunk: Chunk): void => {
    if (found.has(chunk)) return;
    found.add(chunk);
    for (const { name } of chunks.filter(({ name }) => chunk.imports.includes(name)))
      visit(chunks.find((other) => other.name === name)!);
  };
  visit(chunks.find(({ isEntry }) => isEntry)!);
  return [...found];
}

/** Bytes by package over several chunks. */
function packagesIn(chunks: readonly Chunk[]): Record<string, number> {
  const result: Record<string, number> = {};
  for (const { packages } of chunks) {
    for (const [name, bytes] of Object.entries(packages)) result[name] = (result[name] ?? 0) + bytes;
  }
  return result;
}

type Resolve = (id: string, importer: string, options: object) => Promise<unknown>;

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lazyimg-bundles-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs an app in a process of its own, whose registry is empty; what it prints. */
async function run(chunks: readonly Chunk[]): Promise<string> {
  const app = join(folder, `app-${++count}`);
  await mkdir(app);
  await writeFile(join(app, "package.json"), '{ "type": "module" }');
  for (const { name, code } of chunks) await writeFile(join(app, name), code);
  const entry = chunks.find(({ isEntry }) => isEntry)!;
  const { stdout } = await promisify(execFile)(process.execPath, [join(app, entry.name)]);
  return stdout.trim();
}

/** Node built-ins that the code imports. */
function builtins(code: string): string[] {
  const specifiers = [...code.matchAll(/(?:\bfrom|\bimport|\brequire)\s*\(?\s*["'`]([^"'`]+)["'`]/g)];
  return specifiers
    .map(([, specifier]) => specifier!)
    .filter((specifier) => specifier.startsWith("node:") || builtinModules.includes(specifier));
}

test("the search for built-ins finds them", () => {
  const code = `import{a}from"fs";import "node:path";const b=await import("node:zlib");export{c}from'util'`;
  expect(builtins(code)).toEqual(["fs", "node:path", "node:zlib", "util"]);
});

const BUNDLERS = { esbuild: byEsbuild, "vite (rolldown)": byVite };

describe.each(Object.entries(BUNDLERS))("%s", (_, bundle) => {
  describe.each(Object.entries(BACKENDS))("an app with core and %s", (name, registered) => {
    const styles = {
      "a bare import": `import "${name}";`,
      "a named import": `import { ${exportOf(name)} } from "${name}"; console.assert(${exportOf(name)});`,
    };
    test.each(Object.entries(styles))("by %s has this backend and no other", async (_style, statement) => {
      const source = `import { listBackends } from "@lazyimg/core"; ${statement} console.log(listBackends().join());`;
      const chunks = await bundle(source);
      const packages = packagesIn(chunks);
      expect(await run(chunks)).toBe(registered);
      const folderOf = (other: string) => other.replace("@lazyimg/", "");
      expect(packages[folderOf(name)]).toBeGreaterThan(0);
      for (const other of Object.keys(OTHERS).filter((other) => other !== name)) {
        expect(packages, `contains ${other}`).not.toHaveProperty(folderOf(other));
      }
      expect(chunks.flatMap(({ code }) => builtins(code))).toEqual([]);
    });
  });

  test("an image without a backend package registers nothing", async () => {
    const chunks = await bundle(
      `import { openImage } from "@lazyimg/image"; import { listBackends, Tensor } from "@lazyimg/core";
       const tensor = new Tensor({ data: new Uint8Array(8), dtype: "uint8", shape: [1, 2, 2, 2] });
       const image = await openImage(tensor);
       console.log(image.shape.join(), listBackends().length);`,
    );
    expect(await run(chunks)).toBe("1,2,2,2 0");
    expect(Object.keys(packagesIn(chunks)).sort()).toEqual(["backend-tensor", "core", "image"]);
  });

  test("the pure subpath of a backend registers nothing", async () => {
    const chunks = await bundle(
      `import { listBackends } from "@lazyimg/core"; import { nifti } from "@lazyimg/backend-nifti/backend";
       console.log(nifti.name, listBackends().length);`,
    );
    expect(await run(chunks)).toBe("nifti 0");
  });
});

/** One export of each package, so that a named import uses something. */
function exportOf(name: string): string {
  const exports: Record<string, string> = {
    "@lazyimg/backend-nifti": "nifti",
    "@lazyimg/backend-tensor": "tensorBackend",
    "@lazyimg/reader-lazy": "lazyReader",
  };
  return exports[name]!;
}

describe("size, minified and gzipped", () => {
  const gzipped = (chunks: readonly Chunk[]) =>
    chunks.reduce((sum, { code }) => sum + gzipSync(code, { level: 9 }).length, 0);

  /** Gzipped size, and minified size by package: what to look at when it grew. */
  function report(chunks: readonly Chunk[]): string {
    const shares = Object.entries(packagesIn(chunks)).sort(([, a], [, b]) => b - a);
    return `${gzipped(chunks)} gzipped; minified ${shares.map(([name, bytes]) => `${name} ${bytes}`).join(", ")}`;
  }

  test("everything in core is less than 6 kB", async () => {
    const chunks = await byEsbuild(`export * from "@lazyimg/core";`);
    expect(chunks.length).toBe(1);
    expect(gzipped(chunks), report(chunks)).toBeLessThan(6000);
  });

  test("an app that opens NIfTI loads less than 30 kB at first", async () => {
    const chunks = await byEsbuild(
      `import "@lazyimg/backend-nifti"; export { openImage } from "@lazyimg/image";`,
    );
    const first = atStart(chunks);
    const later = chunks.filter((chunk) => !first.includes(chunk));
    for (const name of ["core", "image", "byte-source", "backend-nifti"])
      expect(packagesIn(first)[name], name).toBeGreaterThan(0);
    expect(gzipped(first), report(first)).toBeLessThan(30_000);
    expect(gzipped(chunks), `with what is loaded later: ${report(later)}`).toBeLessThan(54_000);
  });
});
