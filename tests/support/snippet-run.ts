import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";
import { build, transform } from "esbuild";
import type { Browser, Page } from "playwright";
import { expect } from "vitest";
import { files, serve } from "./snippet-files.js";
import { instrumented, PRELOAD, ROOT, type Snippet } from "./snippets.js";

/** What snippets need to be compiled and run: their code as files, a folder of images, and a server of those. */
export interface Bench {
  /** Where the snippets' own files are: in the workspace, so that packages are found by name. */
  readonly cache: string;
  /** Where they run. */
  readonly folder: string;
  readonly served: Readonly<Record<string, Uint8Array>>;
  readonly server: Server;
  /** Type errors by the path of the snippet's file, see `pathOf`. */
  readonly errors: ReadonlyMap<string, readonly string[]>;
}

/** What was printed, by the line of the page. */
export type Printed = ReadonlyMap<number, readonly string[]>;

/** The snippet's file, without its ending. */
export function pathOf({ cache }: { cache: string }, { page, line, file }: Snippet): string {
  return join(cache, page.replace(/\W+/g, "-"), file?.replace(/\.ts$/, "") ?? `line-${line}`);
}

/** Writes the snippets beneath `cache` and type-checks them. */
export async function setUp(cache: string, snippets: readonly Snippet[]): Promise<Bench> {
  const folder = await mkdtemp(join(tmpdir(), "lazyimg-snippets-"));
  const served = await files();
  const server = await serve(served);
  for (const [name, bytes] of Object.entries(served)) {
    await mkdir(join(folder, "files", dirname(name)), { recursive: true });
    await writeFile(join(folder, "files", name), bytes);
  }
  await mkdir(cache, { recursive: true });
  await writeFile(join(cache, "package.json"), '{ "type": "module" }');
  await linkPackages(join(cache, "node_modules"));
  await writeFile(join(cache, "preload.js"), PRELOAD);
  for (const snippet of snippets) {
    const path = pathOf({ cache }, snippet);
    await mkdir(dirname(path), { recursive: true });
    // Empty lines before it give every message the line numbers of the page.
    await writeFile(`${path}.ts`, "\n".repeat(snippet.line - 1) + snippet.code);
    const options = {
      loader: "ts",
      target: "es2022",
      sourcemap: "inline",
      sourcefile: snippet.page,
    } as const;
    const { code } = await transform(instrumented(snippet), options);
    await writeFile(`${path}.js`, code);
  }
  const errors = await typeErrors(cache);
  return { cache, folder, served, server, errors };
}

/** Lets snippets import every package of the workspace. */
async function linkPackages(target: string): Promise<void> {
  await mkdir(join(target, "@lazyimg"), { recursive: true });
  for (const name of await readdir(`${ROOT}packages`)) {
    const manifest = `${ROOT}packages/${name}/package.json`;
    if (!existsSync(manifest)) continue;
    const called = (JSON.parse(await readFile(manifest, "utf8")) as { name: string }).name;
    await symlink(dirname(manifest), join(target, called), "junction");
  }
}

export async function tearDown(bench: Bench | undefined): Promise<void> {
  if (bench === undefined) return;
  bench.server.close();
  bench.server.closeAllConnections();
  await rm(bench.cache, { recursive: true, force: true });
  await rm(bench.folder, { recursive: true, force: true });
}

interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], options: { cwd: string; env?: NodeJS.ProcessEnv }): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(process.execPath, args, { ...options, timeout: 280_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code ?? -1) || -1, stdout, stderr });
    });
  });
}

async function typeErrors(cache: string): Promise<Map<string, string[]>> {
  const config = {
    extends: join(ROOT, "tsconfig.test.json"),
    // A snippet may end where the value that it shows would be used.
    compilerOptions: { moduleDetection: "force", noUnusedLocals: false },
    include: ["**/*.ts"],
    exclude: [],
  };
  await writeFile(join(cache, "tsconfig.json"), JSON.stringify(config));
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const { code, stdout, stderr } = await run([tsc, "-p", cache, "--pretty", "false"], { cwd: cache });
  const errors = new Map<string, string[]>();
  for (const [, file, at, message] of stdout.matchAll(/^(\S+)\.ts\((\d+),\d+\): (error .*)$/gm)) {
    const path = join(cache, file!);
    errors.set(path, [...(errors.get(path) ?? []), `line ${at}: ${message}`]);
  }
  if (code !== 0 && errors.size === 0) throw new Error(`tsc failed: ${stdout}${stderr}`);
  return errors;
}

function byLine(printed: readonly (readonly [line: number, text: string])[]): Printed {
  const lines = new Map<number, string[]>();
  for (const [line, text] of printed) lines.set(line, [...(lines.get(line) ?? []), text]);
  return lines;
}

/** Runs a snippet in a process of its own, in a folder of its own that holds the files; fails where it does. */
export async function runInNode(bench: Bench, snippet: Snippet): Promise<Printed> {
  const cwd = await mkdtemp(join(bench.folder, "run-"));
  for (const name of Object.keys(bench.served)) {
    await mkdir(join(cwd, dirname(name)), { recursive: true });
    await copyFile(join(bench.folder, "files", name), join(cwd, name));
  }
  const record = `${cwd}.json`;
  const preload = pathToFileURL(join(bench.cache, "preload.js")).href;
  const { code, stdout, stderr } = await run(
    ["--enable-source-maps", "--import", preload, `${pathOf(bench, snippet)}.js`],
    { cwd, env: { ...process.env, SNIPPET_SERVER: addressOf(bench), SNIPPET_PRINTED: record } },
  );
  expect(code, `exit code; ${stdout}\n${stderr}`).toBe(0);
  expect((await readdir(cwd)).filter((name) => name.includes(".partial"))).toEqual([]);
  return byLine(JSON.parse(await readFile(record, "utf8")) as [number, string][]);
}

function addressOf({ server }: Bench): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** The WebAssembly that reader-itk fetches: an application serves it itself. */
const PIPELINES = `${ROOT}packages/reader-itk/node_modules/@itk-wasm/image-io/dist/`;

/** The page that a snippet for browsers finds itself in; images are beside it, and one was dropped. */
const PAGE = `<!doctype html><meta charset="utf-8"><title>Snippet</title>
<canvas width="512" height="512"></canvas><input type="file"><input type="range">
<script type="module">
  globalThis.dropped = new File([await (await fetch("slice.png")).blob()], "slice.png");
</script>`;

/**
 * Runs a snippet, bundled, in a page of its own; fails where it does, and where it asks for anything of another host.
 * `look` sees the page afterwards.
 */
export async function runInPage(
  bench: Bench,
  browser: Browser,
  snippet: Snippet,
  look?: (page: Page) => Promise<void>,
): Promise<Printed> {
  const bundle = await build({
    entryPoints: [`${pathOf(bench, snippet)}.js`],
    bundle: true,
    format: "esm",
    platform: "browser",
    mainFields: ["browser", "module", "main"],
    target: "es2022",
    define: { global: "globalThis", "process.env.NODE_ENV": '"production"' },
    write: false,
    logLevel: "silent",
  });
  const host = addressOf(bench);
  const page = await browser.newPage();
  const printed: [number, string][] = [];
  const wrong: string[] = [];
  try {
    page.on("pageerror", (error) => wrong.push(String(error.stack)));
    await page.route("**/*", async (route) => {
      const url = new URL(route.request().url());
      const name = url.pathname.slice(1);
      if (url.protocol === "blob:" || url.protocol === "data:") return route.continue();
      if (url.origin !== host) {
        wrong.push(`asked for ${url.href}`);
        return route.abort();
      }
      if (name === "page.html") return route.fulfill({ body: PAGE, contentType: "text/html" });
      if (name === "snippet.js") {
        return route.fulfill({ body: bundle.outputFiles[0]!.text, contentType: "text/javascript" });
      }
      if (name.startsWith("pipelines/")) return route.fulfill({ path: PIPELINES + name });
      return route.continue();
    });
    const { format } = await import("node:util");
    await page.exposeFunction("printed", (line: number, ...values: unknown[]) => {
      printed.push([line, format(...values)]);
    });
    await page.goto(`${host}/page.html`);
    await page.evaluate('import("/snippet.js").then(() => {})');
    await look?.(page);
  } finally {
    await page.close();
  }
  expect(wrong).toEqual([]);
  return byLine(printed);
}
