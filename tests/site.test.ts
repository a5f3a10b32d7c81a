import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { checkSite } from "../docs/.vitepress/check-site.js";

/** What the build of docs/ checks of the site that it made, on small sites with one fault each. */

const SOUND = {
  "index.html": '<h1 id="top">A</h1><a href="/base/in/b.html#there">B</a><img src="/base/a.svg">',
  "in/b.html": '<h2 id="there">B</h2><a href="../">A</a><a href="https://example.org/">far</a>',
  "a.svg": "<svg></svg>",
};

/** What `checkSite` says of these files. */
async function faultsOf(files: Readonly<Record<string, string>>): Promise<string> {
  // As deep as the real one, which lies in docs/.vitepress/dist of the repository.
  const folder = await mkdtemp(join(tmpdir(), "lazyimg-site-"));
  const dist = join(folder, "docs", ".vitepress", "dist");
  try {
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(dist, path)), { recursive: true });
      await writeFile(join(dist, path), text);
    }
    checkSite(dist, "/base/");
    return "";
  } catch (error) {
    return (error as Error).message;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

test("a sound site", async () => {
  expect(await faultsOf(SOUND)).toBe("");
});

test.each([
  ["a link to no page", '<a href="/base/nowhere.html">x</a>'],
  ["a link out of the base", '<a href="/in/b.html">x</a>'],
  ["an anchor that is not there", '<a href="/base/in/b.html#nowhere">x</a>'],
  ["an anchor of its own that is not there", '<a href="#nowhere">x</a>'],
  ["a picture that is not there", '<img src="/base/b.png">'],
  ["a picture of another host", '<img src="https://example.org/a.png">'],
  ["a script of another host", '<script src="//example.org/a.js"></script>'],
  ["a style of another host", "<style>@import 'https://example.org/a.css';</style>"],
  [
    "a file of the repository that is not there",
    `<a href="https://github.com/lazyimg/lazyimg/blob/main/x.ts">x</a>`,
  ],
])("%s is found", async (_, html) => {
  expect(await faultsOf({ ...SOUND, "c.html": html })).toMatch(/^The site has 1 faults:\nc\.html/);
});

test("a font of another host is found", async () => {
  const css = "@font-face { src: url(https://example.org/a.woff2) }";
  expect(await faultsOf({ ...SOUND, "a.css": css })).toContain("a.css loads https://example.org/a.woff2");
});
