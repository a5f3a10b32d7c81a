import { existsSync, readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { describe, expect, test } from "vitest";
import { sidebar } from "../docs/.vitepress/sidebar.js";
import { slugify } from "../docs/.vitepress/slugify.js";
import { pages, ROOT } from "./support/snippets.js";

/** Links between the repository's own pages, as they are read there. The site's are checked when it is built. */

/** A page without its fenced blocks. */
function textOf(page: string): string {
  return readFileSync(ROOT + page, "utf8").replace(/^( *)(`{3,})[\s\S]*?^\1\2/gm, "");
}

/** The anchors of a page: of its headings, repeated ones numbered, and of what has an id. */
function anchorsOf(text: string): Set<string> {
  const anchors = new Set([...text.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id!));
  for (const [, heading] of text.matchAll(/^#+ (.+)$/gm)) {
    const slug = slugify(heading!.replace(/\[([^\]]*)\]\([^)]*\)/g, "$1"));
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

/** Links, pictures and shown files of a page that lead nowhere. Those to other hosts are not looked at. */
function brokenLinks(page: string, text: string): string[] {
  const own = anchorsOf(text);
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)|\s(?:href|src)="([^"]+)"|^<<< (\S+)$/gm)].map(
    ([, ...found]) => found.find((target) => target !== undefined)!,
  );
  return targets.filter((target) => {
    if (/^([a-z]+:|\/)/.test(target)) return false;
    const [path = "", anchor] = target.split("#");
    if (path === "") return !own.has(anchor!);
    const file = posix.join(posix.dirname(page), path);
    if (!existsSync(ROOT + file)) return true;
    return anchor !== undefined && !anchorsOf(textOf(file)).has(anchor);
  });
}

test.each(pages())("links of %s lead somewhere", (page) => {
  expect(brokenLinks(page, textOf(page))).toEqual([]);
});

test("a link that leads nowhere is found", () => {
  const text =
    "# A b\n[1](#a-b) [2](#b) [3](concepts.md) [4](nowhere.md) [5](concepts.md#nowhere) ![6](x.png)\n<<< y.ts\n<<< ../package.json";
  expect(brokenLinks("docs/getting-started.md", text)).toEqual([
    "#b",
    "nowhere.md",
    "concepts.md#nowhere",
    "x.png",
    "y.ts",
  ]);
});

describe("the site's sidebar", () => {
  interface Item {
    readonly link?: string;
    readonly items?: readonly Item[];
  }
  const linksOf = (items: readonly Item[]): string[] =>
    items.flatMap(({ link, items: inner = [] }) => [
      ...(link === undefined ? [] : [link]),
      ...linksOf(inner),
    ]);
  const links = linksOf(sidebar["/"] as readonly Item[]);

  test("leads to every page of docs/, and to every package", () => {
    const wanted = [
      ...pages()
        .filter((page) => page.startsWith("docs/") && page !== "docs/index.md")
        .map((page) => page.replace(/^docs/, "").replace(/(index)?\.md$/, "")),
      ...readdirSync(`${ROOT}packages`)
        .filter((name) => existsSync(`${ROOT}packages/${name}/README.md`))
        .map((name) => `/packages/${name}`),
    ];
    expect(wanted.filter((link) => !links.includes(link))).toEqual([]);
  });

  test("leads nowhere else", () => {
    const known = (link: string): boolean =>
      link === "/api/" ||
      existsSync(`${ROOT}docs${link.endsWith("/") ? `${link}index` : link}.md`) ||
      existsSync(`${ROOT}${link.slice(1)}`);
    expect(links.filter((link) => !known(link))).toEqual([]);
  });
});
