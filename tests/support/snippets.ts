import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** The workspace's folder, with a slash at its end. */
export const ROOT: string = fileURLToPath(new URL("../../", import.meta.url));

/** A fenced block of TypeScript in one of the pages. */
export interface Snippet {
  /** Path of the page, from the root. */
  readonly page: string;
  /** Line of the page at which the code begins, from 1. */
  readonly line: number;
  readonly code: string;
  /** Needs a page in a browser. */
  readonly browser: boolean;
  /** File name by which other snippets of the page import it. */
  readonly file: string | undefined;
}

/** What the comments behind a `console.log` say that it prints. */
export interface Expectation {
  /** Line of the page at which that `console.log` is. */
  readonly line: number;
  /** One line for each time that it prints. */
  readonly prints: string[];
}

/** The pages whose snippets and links are checked: README.md, docs/, examples/, and the packages' README.md. */
export function pages(): string[] {
  // Beside them are pages that are made from these: the API reference, a page for each package.
  const inDocs = [
    ...readdirSync(`${ROOT}docs`),
    ...readdirSync(`${ROOT}docs/recipes`).map((name) => `recipes/${name}`),
  ].map((path) => `docs/${path}`);
  const inPackages = readdirSync(`${ROOT}packages`).map((name) => `packages/${name}/README.md`);
  return ["README.md", "CONTRIBUTING.md", "examples/README.md", ...inDocs, ...inPackages]
    .filter((path) => path.endsWith(".md") && existsSync(ROOT + path))
    .sort();
}

/**
 * The fenced blocks whose language is `ts`. The words behind it: `browser` for a block that cannot run in Node, and
 * `file=NAME` for one that is a module of its own.
 */
export function snippetsOf(page: string): Snippet[] {
  const lines = readFileSync(ROOT + page, "utf8").split("\n");
  const snippets: Snippet[] = [];
  for (let n = 0; n < lines.length; n++) {
    const [, indent = "", fence, info = ""] = /^( *)(`{3,})(.*)$/.exec(lines[n]!) ?? [];
    if (fence === undefined) continue;
    const begin = ++n;
    while (n < lines.length && lines[n]!.trim() !== fence) n++;
    const [language, ...words] = info.trim().split(/\s+/);
    if (language !== "ts" && language !== "typescript") continue;
    const code = lines
      .slice(begin, n)
      .map((line) => line.slice(Math.min(indent.length, line.search(/\S|$/))));
    const file = words.find((word) => word.startsWith("file="))?.slice("file=".length);
    const known = words.every((word) => word === "browser" || word.startsWith("file="));
    if (!known) throw new Error(`${page}:${begin}: unknown words behind ts: ${words.join(" ")}`);
    snippets.push({ page, line: begin + 1, code: code.join("\n"), browser: words.includes("browser"), file });
  }
  return snippets;
}

/**
 * The expectations of a snippet: `// -> text` or `// prints text` behind a `console.log(...)`, or on lines of their own
 * below it, one for each time that it prints.
 *
 * @throws where such a comment has no `console.log` above it
 */
export function expectationsOf({ code, line, page }: Snippet): Expectation[] {
  const found = new Map<number, string[]>();
  let last: number | undefined;
  for (const [n, text] of code.split("\n").entries()) {
    if (/\bconsole\.log\(/.test(text)) last = line + n;
    const [, prints] = /\/\/ (?:->|prints) (.*)$/.exec(text) ?? [];
    if (prints === undefined) continue;
    if (last === undefined) throw new Error(`${page}:${line + n}: nothing prints what this comment says`);
    const lines = found.get(last) ?? [];
    found.set(last, [...lines, prints.trim()]);
  }
  return [...found].map(([at, prints]) => ({ line: at, prints }));
}

/** Modules that a snippet imports by name. */
export function importsOf({ code }: Snippet): string[] {
  return [...code.matchAll(/\b(?:from|import)\s*\(?\s*"([^".][^"]*)"/g)].map(([, name]) => name!);
}

/** The code with each expected `console.log` told apart by its line, for the preload to record. */
export function instrumented(snippet: Snippet): string {
  const watched = new Set(expectationsOf(snippet).map(({ line }) => line));
  const lines = snippet.code
    .split("\n")
    .map((text, n) =>
      watched.has(snippet.line + n)
        ? text.replace(/\bconsole\.log\(/, `globalThis.printed(${snippet.line + n}, `)
        : text,
    );
  // Empty lines before it give every message and stack the line numbers of the page.
  return "\n".repeat(snippet.line - 1) + lines.join("\n");
}

/** Whether what was printed is what the page says: spaces aside, and `...` at the end of it stands for anything. */
export function agrees(said: string, printed: string): boolean {
  const plain = (text: string): string => text.replace(/\s+/g, " ").trim();
  const [expected, found] = [plain(said), plain(printed)];
  return expected.endsWith("...") ? found.startsWith(expected.slice(0, -3)) : found === expected;
}

/** Where what was printed is not what the page says. */
export function disagreements(snippet: Snippet, printed: ReadonlyMap<number, readonly string[]>): string[] {
  return expectationsOf(snippet).flatMap(({ line, prints }) => {
    const found = printed.get(line) ?? [];
    if (found.length === prints.length && prints.every((said, n) => agrees(said, found[n]!))) return [];
    return [`line ${line} prints ${found.join("\n") || "nothing"}, not ${prints.join("\n")}`];
  });
}

/**
 * What runs before a snippet (`node --import`): `https://example.org/` becomes the server at `SNIPPET_SERVER`, no other
 * host is reached, and what is printed is recorded in the file `SNIPPET_PRINTED`.
 */
export const PRELOAD = `
import { writeFileSync } from "node:fs";
import { format } from "node:util";
const printed = [];
globalThis.printed = (line, ...values) => {
  printed.push([line, format(...values)]);
  console.log(...values);
};
process.on("exit", () => writeFileSync(process.env.SNIPPET_PRINTED, JSON.stringify(printed)));
const platform = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  const url = new URL(input instanceof Request ? input.url : input);
  if (url.origin === "https://example.org") {
    const local = new URL(url.pathname + url.search, process.env.SNIPPET_SERVER);
    return platform(input instanceof Request ? new Request(local, input) : local, init);
  }
  if (url.protocol !== "data:" && url.hostname !== "127.0.0.1" && url.hostname !== "localhost") {
    throw new TypeError("A snippet reaches https://example.org only, not " + url.origin);
  }
  return platform(input, init);
};
`;
