import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CHROMIUM, launch } from "./support/chromium.js";
import { showsPlane } from "./support/shows-plane.js";
import { type Bench, pathOf, runInNode, runInPage, setUp, tearDown } from "./support/snippet-run.js";
import {
  agrees,
  disagreements,
  expectationsOf,
  pages,
  ROOT,
  type Snippet,
  snippetsOf,
} from "./support/snippets.js";

/**
 * Every TypeScript block of the README and the docs is type-checked as strictly as the code, and run: in a process of its
 * own, or in a page of a real browser where there is one. What its `// ->` comments say is compared with what it prints.
 * The recipes that need packages of others show the projects in examples/, which have their own tests.
 */

const all = pages().map((page) => ({ page, snippets: snippetsOf(page) }));

/** What the first snippet of these pages leaves on the page that it runs in. */
const shows: Readonly<Record<string, (page: Page) => Promise<void>>> = {
  "docs/recipes/canvas.md": showsPlane,
};

let bench: Bench;
let browser: Browser | undefined;

beforeAll(async () => {
  const cache = join(ROOT, "node_modules", ".cache", `snippets-${process.pid}`);
  bench = await setUp(
    cache,
    all.flatMap(({ snippets }) => snippets),
  );
  if (existsSync(CHROMIUM)) browser = await launch();
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await tearDown(bench);
});

describe.concurrent.each(all.filter((page) => page.snippets.length > 0))("$page", (page) => {
  describe.each(page.snippets)("line $line", (snippet) => {
    test("type-checks", () => {
      expect(bench.errors.get(pathOf(bench, snippet)) ?? []).toEqual([]);
    });

    test.skipIf(snippet.browser && !existsSync(CHROMIUM))(
      "runs, and prints what it says",
      async () => {
        const printed = await (snippet.browser
          ? runInPage(bench, browser!, snippet, snippet === page.snippets[0] ? shows[page.page] : undefined)
          : runInNode(bench, snippet));
        expect(disagreements(snippet, printed)).toEqual([]);
      },
      120_000,
    );
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

  test("what is not printed, or printed otherwise, is told", () => {
    const code = snippet("console.log(1); // -> 1");
    expect(disagreements(code, new Map([[5, ["1"]]]))).toEqual([]);
    expect(disagreements(code, new Map([[5, ["2"]]]))).toEqual(["line 5 prints 2, not 1"]);
    expect(disagreements(code, new Map())).toEqual(["line 5 prints nothing, not 1"]);
    expect(disagreements(code, new Map([[5, ["1", "1"]]]))).toHaveLength(1);
  });
});
