import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, posix } from "node:path";
import { pathToFileURL } from "node:url";
import { gunzipSync, gzipSync } from "node:zlib";
import { encodeNiftiHeader } from "@lazyimg/nifti-header";
import { transform } from "esbuild";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  agrees,
  anchorsOf,
  expectationsOf,
  instrumented,
  PRELOAD,
  pages,
  ROOT,
  type Snippet,
  snippetsOf,
} from "./support/snippets.js";

/**
 * Every TypeScript block of the README and the docs is type-checked as strictly as the code, and run in a process of its
 * own; what its `// ->` comments say is compared with what it prints.
 */

/** Where a snippet's own files are: in the workspace, so that packages are found by name. */
const CACHE = join(ROOT, "node_modules", ".cache", `snippets-${process.pid}`);

const all = pages().map((page) => ({ page, snippets: snippetsOf(page) }));
const snippets = all.flatMap((page) => page.snippets);

/** The snippet's file, without its ending. */
function pathOf({ page, line, file }: Snippet): string {
  return join(CACHE, page.replace(/\W+/g, "-"), file?.replace(/\.ts$/, "") ?? `line-${line}`);
}

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], options: { cwd: string; env?: NodeJS.ProcessEnv }): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { ...options, timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1) || -1, stdout, stderr });
    });
  });
}

/** Type errors by the path of the snippet's file. */
async function typeErrors(): Promise<Map<string, string[]>> {
  const config = {
    extends: join(ROOT, "tsconfig.test.json"),
    // A snippet may end where the value that it shows would be used.
    compilerOptions: { moduleDetection: "force", noUnusedLocals: false },
    include: ["**/*.ts"],
    exclude: [],
  };
  await writeFile(join(CACHE, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const { code, stdout, stderr } = await run([tsc, "-p", CACHE, "--pretty", "false"], { cwd: CACHE });
  const errors = new Map<string, string[]>();
  for (const [, file, at, message] of stdout.matchAll(/^(\S+)\.ts\((\d+),\d+\): (error .*)$/gm)) {
    const path = join(CACHE, file!);
    errors.set(path, [...(errors.get(path) ?? []), `line ${at}: ${message}`]);
  }
  if (code !== 0 && errors.size === 0) throw new Error(`tsc failed: ${stdout}${stderr}`);
  return errors;
}

/** A small volume: an ellipsoid in int16, in case the repository's own is not there. */
function ellipsoid(): Uint8Array {
  const [I, J, K] = [64, 64, 32];
  const header = encodeNiftiHeader({
    shape: [1, I, J, K],
    dtype: "int16",
    affine: [3, 0, 0, -96, 0, 3, 0, -96, 0, 0, 4, -64, 0, 0, 0, 1],
  });
  const voxels = new Int16Array(I * J * K);
  for (let n = 0; n < voxels.length; n++) {
    const [i, j, k] = [n % I, Math.floor(n / I) % J, Math.floor(n / (I * J))];
    const distance = Math.hypot((i - I / 2) / I, (j - J / 2) / J, (k - K / 2) / K);
    voxels[n] = Math.max(0, Math.round(1000 * (1 - 2 * distance)));
  }
  return Buffer.concat([header, new Uint8Array(voxels.buffer)]);
}

/** A time series whose integers are scaled: five volumes, two seconds apart. */
function series(): Uint8Array {
  const header = encodeNiftiHeader({
    shape: [5, 16, 16, 8],
    dtype: "int16",
    affine: [4, 0, 0, -32, 0, 4, 0, -32, 0, 0, 4, -16, 0, 0, 0, 1],
    scaling: { slope: 0.5, inter: 10 },
    repetitionTime: 2,
  });
  const voxels = Int16Array.from({ length: 5 * 16 * 16 * 8 }, (_, n) => n % 1000);
  return Buffer.concat([header, new Uint8Array(voxels.buffer)]);
}

/** numpy.save of numpy.arange(120, dtype="float32").reshape(4, 5, 6). */
function npy(): Uint8Array {
  const text = "{'descr': '<f4', 'fortran_order': False, 'shape': (4, 5, 6), }".padEnd(117);
  const values = Float32Array.from({ length: 120 }, (_, n) => n);
  return Buffer.concat([
    Buffer.from(`\x93NUMPY\x01\0\x76\0${text}\n`, "latin1"),
    new Uint8Array(values.buffer),
  ]);
}

/** The files that snippets find in their folder, and on https://example.org/ under any path. */
async function files(): Promise<Record<string, Uint8Array>> {
  const example = join(ROOT, "examples", "phantom.nii.gz");
  const phantom = existsSync(example) ? await readFile(example) : gzipSync(ellipsoid());
  return {
    "examples/phantom.nii.gz": phantom,
    "scan.nii.gz": phantom,
    "scan.nii": gunzipSync(phantom),
    "bold.nii.gz": gzipSync(series()),
    "brain.npy": npy(),
  };
}

/**
 * Serves the files by their last name, with ranges, but for paths with `no-ranges` in them. Paths with `private` in them
 * want an Authorization header or a signature in the query.
 */
async function serve(served: Record<string, Uint8Array>): Promise<Server> {
  const server = createServer((request, response) => {
    const url = new URL(request.url!, "http://localhost");
    const bytes = Object.entries(served).find(([name]) => name.endsWith(posix.basename(url.pathname)))?.[1];
    if (bytes === undefined) return response.writeHead(404).end();
    const allowed = request.headers.authorization !== undefined || url.search !== "";
    if (url.pathname.includes("private") && !allowed) return response.writeHead(401).end();
    const [, from, to] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "") ?? [];
    if (from === undefined || url.pathname.includes("no-ranges")) {
      return response.writeHead(200, { "content-length": bytes.length }).end(bytes);
    }
    const end = Math.min(to === "" ? bytes.length : Number(to) + 1, bytes.length);
    if (Number(from) >= bytes.length) {
      return response.writeHead(416, { "content-range": `bytes */${bytes.length}` }).end();
    }
    response.writeHead(206, {
      "content-range": `bytes ${from}-${end - 1}/${bytes.length}`,
      "content-length": end - Number(from),
      etag: '"1"',
    });
    return response.end(bytes.subarray(Number(from), end));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

let errors: Map<string, string[]>;
let served: Record<string, Uint8Array>;
let server: Server;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "lazyimg-snippets-"));
  served = await files();
  server = await serve(served);
  for (const [name, bytes] of Object.entries(served)) {
    await mkdir(join(folder, "files", dirname(name)), { recursive: true });
    await writeFile(join(folder, "files", name), bytes);
  }
  await mkdir(CACHE, { recursive: true });
  await writeFile(join(CACHE, "package.json"), '{ "type": "module" }');
  await writeFile(join(CACHE, "preload.js"), PRELOAD);
  for (const snippet of snippets) {
    const path = pathOf(snippet);
    await mkdir(dirname(path), { recursive: true });
    // Empty lines before it give every message the line numbers of the page.
    await writeFile(`${path}.ts`, "\n".repeat(snippet.line - 1) + snippet.code);
    const options = {
      loader: "ts",
      target: "node20",
      sourcemap: "inline",
      sourcefile: snippet.page,
    } as const;
    const { code } = await transform(instrumented(snippet), options);
    await writeFile(`${path}.js`, code);
  }
  errors = await typeErrors();
}, 60_000);

afterAll(async () => {
  server?.close();
  server?.closeAllConnections();
  await rm(CACHE, { recursive: true, force: true });
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
});

/** Runs a snippet in a folder of its own that holds the files; fails where it does. Returns what was printed by line. */
async function runSnippet(snippet: Snippet): Promise<Map<number, string[]>> {
  const cwd = await mkdtemp(join(folder, "run-"));
  for (const name of Object.keys(served)) {
    await mkdir(join(cwd, dirname(name)), { recursive: true });
    await copyFile(join(folder, "files", name), join(cwd, name));
  }
  const record = `${cwd}.json`;
  const { port } = server.address() as AddressInfo;
  const preload = pathToFileURL(join(CACHE, "preload.js")).href;
  const { code, stdout, stderr } = await run(
    ["--enable-source-maps", "--import", preload, `${pathOf(snippet)}.js`],
    {
      cwd,
      env: { ...process.env, SNIPPET_SERVER: `http://127.0.0.1:${port}`, SNIPPET_PRINTED: record },
    },
  );
  expect(code, `exit code; ${stdout}\n${stderr}`).toBe(0);
  expect((await readdir(cwd)).filter((name) => name.includes(".partial"))).toEqual([]);
  const printed = new Map<number, string[]>();
  for (const [line, text] of JSON.parse(await readFile(record, "utf8")) as [number, string][]) {
    printed.set(line, [...(printed.get(line) ?? []), text]);
  }
  return printed;
}

describe.each(all.filter((page) => page.snippets.length > 0))("$page", (page) => {
  describe.each(page.snippets)("line $line", (snippet) => {
    test("type-checks", () => {
      expect(errors.get(pathOf(snippet)) ?? []).toEqual([]);
    });

    test.skipIf(snippet.browser)("runs, and prints what it says", async () => {
      const printed = await runSnippet(snippet);
      for (const { line, prints } of expectationsOf(snippet)) {
        const found = printed.get(line) ?? [];
        const right = found.length === prints.length && prints.every((said, n) => agrees(said, found[n]!));
        expect(right ? prints : found, `line ${line}`).toEqual(prints);
      }
    });
  });
});

describe("links", () => {
  test.each(all)("of $page lead somewhere", async ({ page }) => {
    const text = (await readFile(ROOT + page, "utf8")).replace(/^( *)(`{3,})[\s\S]*?^\1\2/gm, "");
    const broken: string[] = [];
    for (const [, target] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target!)) continue;
      const [path = "", anchor] = target!.split("#");
      const file = path === "" ? page : posix.join(posix.dirname(page), path);
      if (!existsSync(ROOT + file)) broken.push(target!);
      else if (anchor !== undefined && !anchorsOf(file).has(anchor)) broken.push(target!);
    }
    expect(broken).toEqual([]);
  });
});

describe("the checks of snippets themselves", () => {
  const snippet = (code: string): Snippet => ({
    page: "x.md",
    line: 5,
    code,
    browser: false,
    file: undefined,
  });

  test("expectations are found behind and below console.log", () => {
    const code =
      "console.log(1); // -> 1\nconst a = 1;\nfor (const x of y) {\n  console.log(x);\n}\n// -> 1\n// -> 2";
    expect(expectationsOf(snippet(code))).toEqual([
      { line: 5, prints: ["1"] },
      { line: 8, prints: ["1", "2"] },
    ]);
    expect(() => expectationsOf(snippet("a(); // -> 1"))).toThrow("nothing prints");
  });

  test("printed text is compared but for spaces", () => {
    expect(agrees("[ 1, 2 ]", "[\n  1,\n  2\n]")).toBe(true);
    expect(agrees("[ 1, 2 ]", "[ 1,  2 ]")).toBe(true);
    expect(agrees("No backend opens ...", "No backend opens a.nrrd")).toBe(true);
    expect(agrees("1", "12")).toBe(false);
  });
});

describe("docs/errors.md", () => {
  test("explains every code of core, and no other", async () => {
    const source = await readFile(`${ROOT}packages/core/src/errors.ts`, "utf8");
    const page = await readFile(`${ROOT}docs/errors.md`, "utf8");
    const codes = [...source.matchAll(/^ {2}\| "(ERR_\w+)"/gm)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(15);
    const explained = [...page.matchAll(/^#+ (ERR_\w+)$/gm)].map(([, code]) => code);
    expect(explained.sort()).toEqual(codes.sort());
  });
});
