import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { builtinModules, createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
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

interface Bundle {
  readonly code: string;
  /** Bytes of minified code by the package they come from. */
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

async function byEsbuild(source: string): Promise<Bundle> {
  const { outputFiles, metafile } = await esbuild({
    stdin: { contents: source, resolveDir: ROOT },
    absWorkingDir: ROOT,
    bundle: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2022",
    metafile: true,
    write: false,
    logLevel: "silent",
  });
  const [output] = Object.values(metafile.outputs);
  const modules = Object.entries(output!.inputs).map(
    ([file, { bytesInOutput }]) => [join(ROOT, file), bytesInOutput] as const,
  );
  return { code: outputFiles[0]!.text, packages: byPackage(modules) };
}

type Vite = { build(config: object): Promise<unknown> };
interface Chunk {
  readonly code: string;
  readonly modules: Readonly<Record<string, { readonly renderedLength: number }>>;
}

/** Vite, with rolldown inside, comes with vitest. */
async function byVite(source: string): Promise<Bundle> {
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
  })) as readonly { readonly output: readonly Chunk[] }[];
  const chunks = result.flatMap(({ output }) => output).filter((chunk) => chunk.modules !== undefined);
  const modules = chunks.flatMap((chunk) =>
    Object.entries(chunk.modules).map(([file, { renderedLength }]) => [file, renderedLength] as const),
  );
  return { code: chunks.map(({ code }) => code).join("\n"), packages: byPackage(modules) };
}

type Resolve = (id: string, importer: string, options: object) => Promise<unknown>;

let folder: string;
let count = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lazyimg-bundles-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** Runs a bundle in a process of its own, whose registry is empty; what it prints. */
async function run(code: string): Promise<string> {
  const file = join(folder, `app-${++count}.mjs`);
  await writeFile(file, code);
  const { stdout } = await promisify(execFile)(process.execPath, [file]);
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
      const { code, packages } = await bundle(source);
      expect(await run(code)).toBe(registered);
      const folderOf = (other: string) => other.replace("@lazyimg/", "");
      expect(packages[folderOf(name)]).toBeGreaterThan(0);
      for (const other of Object.keys(OTHERS).filter((other) => other !== name)) {
        expect(packages, `contains ${other}`).not.toHaveProperty(folderOf(other));
      }
      expect(builtins(code)).toEqual([]);
    });
  });

  test("an image without a backend package registers nothing", async () => {
    const { code, packages } = await bundle(
      `import { openImage } from "@lazyimg/image"; import { listBackends, Tensor } from "@lazyimg/core";
       const tensor = new Tensor({ data: new Uint8Array(8), dtype: "uint8", shape: [1, 2, 2, 2] });
       const image = await openImage(tensor);
       console.log(image.shape.join(), listBackends().length);`,
    );
    expect(await run(code)).toBe("1,2,2,2 0");
    expect(Object.keys(packages).sort()).toEqual(["backend-tensor", "core", "image"]);
  });

  test("the pure subpath of a backend registers nothing", async () => {
    const { code } = await bundle(
      `import { listBackends } from "@lazyimg/core"; import { nifti } from "@lazyimg/backend-nifti/backend";
       console.log(nifti.name, listBackends().length);`,
    );
    expect(await run(code)).toBe("nifti 0");
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
  const gzipped = (code: string) => gzipSync(code, { level: 9 }).length;

  /** Each package's share of the gzipped size, by its share of the minified one. */
  function report(what: string, { code, packages }: Bundle): string {
    const total = gzipped(code);
    const shares = Object.entries(packages)
      .sort(([, a], [, b]) => b - a)
      .map(([name, bytes]) => `${name} ${bytes} (~${Math.round((bytes / code.length) * total)})`);
    return `${what}: ${code.length} bytes, ${total} gzipped; ${shares.join(", ")}`;
  }

  test("everything in core is less than 6000 bytes", async () => {
    const bundle = await byEsbuild(`export * from "@lazyimg/core";`);
    expect(gzipped(bundle.code), report("core", bundle)).toBeLessThan(6000);
  });

  test("core, image, byte-source and backend-nifti are less than 30 kB", async () => {
    const bundle = await byEsbuild(
      `export * from "@lazyimg/core"; export * from "@lazyimg/image"; export * from "@lazyimg/byte-source";
       export * from "@lazyimg/backend-nifti";`,
    );
    expect(gzipped(bundle.code), report("NIfTI", bundle)).toBeLessThan(30_000);
  });
});
