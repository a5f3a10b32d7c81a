import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createRequire, isBuiltin } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

/** What is published: that its metadata are right and its types resolve, and that packages import what they may. */

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const run = promisify(execFile);

interface Manifest {
  readonly name: string;
  readonly private?: boolean;
  readonly license?: string;
  readonly type?: string;
  readonly description?: string;
  readonly version?: string;
  readonly keywords?: readonly string[];
  readonly files?: readonly string[];
  readonly publishConfig?: Readonly<Record<string, unknown>>;
  readonly repository?: { readonly url?: string; readonly directory?: string };
  readonly exports?: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  readonly imports?: Readonly<Record<string, unknown>>;
  readonly sideEffects?: boolean | readonly string[];
  readonly engines?: { readonly node?: string };
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}

const packages = readdirSync(`${ROOT}packages`)
  .filter((folder) => existsSync(`${ROOT}packages/${folder}/package.json`))
  .map((folder) => ({
    folder,
    path: `${ROOT}packages/${folder}`,
    manifest: JSON.parse(readFileSync(`${ROOT}packages/${folder}/package.json`, "utf8")) as Manifest,
  }))
  .filter(({ manifest }) => manifest.private !== true);

/** What each package may import of the others, itself aside; a whole package or one of its subpaths. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  "byte-source": ["core"],
  "transport-s3": ["core", "byte-source"],
  "transport-gcs": ["core", "byte-source"],
  "transport-azure": ["core", "byte-source"],
  codecs: ["core"],
  "worker-link": ["core"],
  "seekable-gzip": ["core", "codecs", "worker-link"],
  "raw-array": ["core"],
  "data-file": ["core", "byte-source", "raw-array", "seekable-gzip"],
  "nifti-header": ["core"],
  "backend-tensor": ["core"],
  "backend-nifti": ["core", "byte-source", "data-file", "raw-array", "nifti-header"],
  "backend-zarr": ["core", "byte-source", "codecs", "nifti-header"],
  "backend-mgh": ["core", "byte-source", "data-file", "raw-array"],
  "backend-nrrd": ["core", "byte-source", "data-file", "raw-array"],
  "backend-metaimage": ["core", "data-file", "raw-array"],
  "backend-mif": ["core", "byte-source", "data-file", "raw-array"],
  "backend-npy": ["core", "byte-source", "codecs", "raw-array"],
  "reader-lazy": ["core"],
  "reader-itk": ["core", "byte-source", "worker-link", "backend-tensor/backend"],
  image: ["core", "backend-tensor/backend"],
  distributed: ["core", "image", "backend-zarr"],
  viewer: [
    "core",
    "byte-source",
    "image",
    "nifti-header",
    "worker-link",
    "backend-nifti",
    "backend-zarr",
    "backend-mgh",
    "backend-nrrd",
    "backend-metaimage",
    "backend-mif",
    "backend-npy",
    "reader-itk/backend",
  ],
  testkit: ["core"],
  "create-lazyimg-backend": [],
  lazyimg: [
    "core",
    "image",
    "byte-source",
    "seekable-gzip",
    "nifti-header",
    "backend-tensor",
    "backend-nifti",
    "backend-zarr",
    "reader-lazy",
    "distributed",
  ],
};

/** Names that npm or people type. */
const UNSCOPED = ["lazyimg", "create-lazyimg-backend"];

/** Every module of a package, as text without comments. */
function modulesOf(path: string): { file: string; code: string }[] {
  return readdirSync(`${path}/src`, { recursive: true, encoding: "utf8" })
    .filter((file) => /\.(ts|js|mjs)$/.test(file))
    .map((file) => ({
      file,
      code: readFileSync(`${path}/src/${file}`, "utf8")
        .replace(/\/\*[\s\S]*?\*\//g, "")
        .replace(/^\s*\/\/.*$/gm, ""),
    }));
}

/** What a module imports: statically, as types, dynamically, or only for its effects. */
function specifiersOf(code: string): string[] {
  const patterns = [
    /\bfrom\s*"([^"\n]+)"/g,
    /\bimport\s*\(\s*"([^"\n]+)"/g,
    /^\s*import\s*"([^"\n]+)"/gm,
    /\brequire\.resolve\(\s*"([^"\n]+)"/g,
  ];
  return patterns.flatMap((pattern) => [...code.matchAll(pattern)].map(([, specifier]) => specifier!));
}

/** "@lazyimg/core/sub" as ["@lazyimg/core", "core/sub"]. */
function splitName(specifier: string): { name: string; inside: string | undefined } {
  const name = /^(@[^/]+\/)?[^/]+/.exec(specifier)![0];
  const inside = specifier.startsWith("@lazyimg/")
    ? specifier.slice("@lazyimg/".length)
    : name === "lazyimg"
      ? specifier
      : undefined;
  return { name, inside };
}

test("specifiers are found in every form", () => {
  const code = `import a from "a";\nimport "b";\nimport type { C } from "c";\nconst d = await import("d");\nexport * from "e";`;
  expect(specifiersOf(code).sort()).toEqual(["a", "b", "c", "d", "e"]);
});

describe.each(packages)("packages/$folder", ({ folder, path, manifest }) => {
  const modules = modulesOf(path);
  const imported = new Set(
    modules
      .flatMap(({ code }) => specifiersOf(code))
      .filter((specifier) => !/^[.#]/.test(specifier) && !isBuiltin(specifier)),
  );

  test("imports only packages that it may import", () => {
    const allowed = MAY_IMPORT[folder];
    expect(allowed, "a new package belongs into the table of docs/architecture.md").toBeDefined();
    const others = [...imported].map((specifier) => splitName(specifier).inside);
    const wrong = others.filter(
      (inside) =>
        inside !== undefined &&
        inside !== folder &&
        !allowed!.some((may) => inside === may || inside.startsWith(`${may}/`)),
    );
    expect(wrong).toEqual([]);
    if (folder === "core") expect([...imported]).toEqual([]);
  });

  test("declares what it imports, core as a peer", () => {
    const { dependencies = {}, peerDependencies = {}, devDependencies = {} } = manifest;
    const bundled = Object.keys(devDependencies).filter(() => folder === "lazyimg");
    const declared = [...Object.keys(dependencies), ...Object.keys(peerDependencies), ...bundled];
    const names = [...imported].map((specifier) => splitName(specifier).name);
    expect(names.filter((name) => !declared.includes(name) && name !== manifest.name)).toEqual([]);
    if (folder !== "lazyimg") {
      expect(dependencies, "two copies of core in one tree").not.toHaveProperty(["@lazyimg/core"]);
      const unused = Object.keys({ ...dependencies, ...peerDependencies }).filter(
        (name) => !names.includes(name),
      );
      expect(unused, "declared, not imported").toEqual([]);
    }
  });

  test("has complete metadata", () => {
    expect(manifest.license).toBe("MIT");
    expect(manifest.type).toBe("module");
    expect(manifest.description).toBeTruthy();
    expect(manifest.repository).toMatchObject({
      url: expect.stringMatching(/^git\+https:/),
      directory: `packages/${folder}`,
    });
    expect(manifest.engines).toEqual({ node: ">=20" });
    expect(manifest.name).toBe(UNSCOPED.includes(folder) ? folder : `@lazyimg/${folder}`);
    expect(manifest.keywords?.length).toBeGreaterThan(3);
    expect(existsSync(`${path}/README.md`), "README.md").toBe(true);
  });

  test("is ready to be published by CI, with provenance and a changelog", () => {
    expect(manifest.publishConfig).toEqual({ access: "public", provenance: true });
    expect(manifest.files).toEqual(expect.arrayContaining(["dist", "src", "CHANGELOG.md"]));
    const [, name, version] =
      /^# (\S+)\n\n## (\S+)\n/.exec(readFileSync(`${path}/CHANGELOG.md`, "utf8")) ?? [];
    expect({ name, version }).toEqual({ name: manifest.name, version: manifest.version });
  });

  test("has exports whose files exist, types first", () => {
    const { exports = {} } = manifest;
    expect(exports).toHaveProperty(["."]);
    for (const [subpath, target] of Object.entries(exports)) {
      if (typeof target === "string") {
        expect(subpath).toBe("./package.json");
        continue;
      }
      expect(Object.keys(target)[0], subpath).toBe("types");
      for (const file of Object.values(target)) expect(existsSync(join(path, file)), file).toBe(true);
    }
    if (/^(backend|reader)-/.test(folder)) expect(exports).toHaveProperty(["./backend"]);
  });

  test("says which modules have side effects", () => {
    // A module that does more than import, export and declare: here, one that registers.
    const acts = modules
      .filter(({ file }) => !file.startsWith("cli/"))
      .filter(
        ({ code }) =>
          /^register(Backend|Writer|Transport)\(/m.test(code) || /^import\s*"(?!node:)[^"]+";/m.test(code),
      )
      .map(({ file }) => `./dist/${file.replace(/\.ts$/, ".js")}`);
    const { sideEffects } = manifest;
    if (acts.length === 0) expect(sideEffects).toBe(false);
    else {
      expect(sideEffects).toEqual(expect.arrayContaining(acts));
      expect(acts, "index.ts alone registers").toEqual(["./dist/index.js"]);
    }
  });
});

test("docs/architecture.md has the same table of what may import what", async () => {
  const page = await readFile(`${ROOT}docs/architecture.md`, "utf8");
  const rows = [...page.matchAll(/^\| \[?`([\w-]+)`[^|]*\| [^|]+ \| ([^|]+) \|$/gm)];
  const table = Object.fromEntries(
    rows.map(([, name, imports]) => [name, [...imports!.matchAll(/`([\w/-]+)`/g)].map(([, may]) => may)]),
  );
  // The last package may import whatever it likes.
  const { lazyimg: everything, ...expected } = MAY_IMPORT;
  expect(everything).toBeDefined();
  const { lazyimg, ...found } = table;
  expect(found).toEqual(expected);
  expect(lazyimg).toBeDefined();
  // The diagram leaves out core, which all but core import, lazyimg, and arrows that a way through others makes up for.
  const arrows = [...page.matchAll(/^ {2}([\w&\s-]+?) --> ([\w& -]+)$/gm)].flatMap(([, from, to]) =>
    from!.split(" & ").flatMap((one) => to!.split(" & ").map((other) => `${one} ${other}`)),
  );
  const nextTo = (from: string): string[] =>
    MAY_IMPORT[from]!.filter((to) => to !== "core").map((to) => to.replace("/backend", ""));
  const behind = (from: string): string[] => nextTo(from).flatMap((to) => [to, ...behind(to)]);
  const wanted = Object.keys(expected).flatMap((from) => {
    const others = nextTo(from);
    return others.filter((to) => !others.flatMap(behind).includes(to)).map((to) => `${from} ${to}`);
  });
  expect(arrows.sort()).toEqual(wanted.sort());
});

/** The parts of attw's own engine that its command uses; the command would start a compiler for every package. */
interface Attw {
  createPackageFromTarballData(tarball: Uint8Array): object;
  checkPackage(
    pkg: object,
  ): Promise<{ problems?: readonly { kind: string; entrypoint?: string; resolutionKind?: string }[] }>;
}

/** What `--profile esm-only` leaves out: ways to resolve modules that know no ES modules. */
const NOT_ESM = ["node10", "node16-cjs"];

describe("as published", () => {
  interface Checked {
    readonly files: readonly string[];
    readonly publint: readonly string[];
    readonly types: readonly string[];
  }
  let folder: string;
  let attw: Attw;

  async function check(path: string): Promise<Checked> {
    const options = { cwd: path, maxBuffer: 2 ** 24 };
    const { stdout } = await run("pnpm", ["pack", "--json", "--pack-destination", folder], options);
    const { filename, files } = JSON.parse(stdout) as { filename: string; files: { path: string }[] };
    const bytes = await readFile(filename);
    const tarball = bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length) as ArrayBuffer;
    const { messages, pkg } = await publint({ pack: { tarball }, strict: true });
    const { problems } = await attw.checkPackage(attw.createPackageFromTarballData(new Uint8Array(tarball)));
    return {
      files: files.map((file) => file.path),
      publint: messages.map((message) => formatMessage(message, pkg) ?? message.code),
      types: (problems ?? [{ kind: "there are no types", resolutionKind: undefined }])
        .filter(({ resolutionKind }) => !NOT_ESM.includes(resolutionKind ?? ""))
        .map((problem) => JSON.stringify(problem)),
    };
  }

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "lazyimg-packages-"));
    const fromCommand = createRequire(
      createRequire(import.meta.url).resolve("@arethetypeswrong/cli/package.json"),
    );
    attw = (await import(pathToFileURL(fromCommand.resolve("@arethetypeswrong/core")).href)) as Attw;
  });
  afterAll(() => rm(folder, { recursive: true, force: true }));

  test.each(packages)("$folder is clean for publint and attw, and holds what it should", async ({ path }) => {
    const { files, publint: messages, types } = await check(path);
    expect(messages).toEqual([]);
    expect(types).toEqual([]);
    const wanted = ["README.md", "CHANGELOG.md", "LICENSE", "package.json", "dist/index.js"];
    expect(wanted.filter((file) => !files.includes(file))).toEqual([]);
    expect(files.filter((file) => /tsbuildinfo|\.test\.|^test\//.test(file))).toEqual([]);
  });

  test("attw is asked, not passed by: types that are missing are told", async () => {
    const pkg = join(folder, "untyped");
    await mkdir(pkg);
    await writeFile(join(pkg, "index.js"), "export {};");
    const manifest = { name: "untyped", version: "1.0.0", type: "module", exports: { ".": "./index.js" } };
    await writeFile(join(pkg, "package.json"), JSON.stringify(manifest));
    const { types } = await check(pkg);
    expect(types.join()).toContain("there are no types");
  });
});
