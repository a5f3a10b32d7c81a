import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

/** Every promise of SECURITY.md names a test that is there. */

const ROOT = fileURLToPath(new URL("../", import.meta.url));
const text = readFileSync(`${ROOT}SECURITY.md`, "utf8");

/** The rows of all tables of promises: what is promised, and what holds it. */
const promises = [...text.matchAll(/^\| promise \| held by \|\n\| --- \| --- \|\n((?:\|.+\n)+)/gm)]
  .flatMap(([, rows]) => rows!.trim().split("\n"))
  .map((row) => /^\| (.+) \| (.+) \|$/.exec(row)!.slice(1) as [promise: string, heldBy: string]);

/** Of the tests that a cell names, those that are not in their files; and the cell itself, where it names none. */
function missing(cell: string): string[] {
  const named = [...cell.matchAll(/\]\((\S+) "([^"]+)"\)/g)];
  if (named.length === 0) return [cell];
  return named
    .filter(([, file, title]) => {
      if (!/^(packages\/[\w-]+\/)?tests?\/(.*\.test|suite)\.ts$/.test(file!) || !existsSync(ROOT + file!))
        return true;
      const source = readFileSync(ROOT + file!, "utf8");
      return ![`"${title}"`, `\`${title}\``].some((literal) => source.includes(literal));
    })
    .map(([link]) => link);
}

test("there are promises against each of those from whom something is defended", () => {
  expect(promises.length).toBeGreaterThan(20);
  expect(text.match(/^### A hostile (file|server|page)/gm)).toHaveLength(3);
});

test.each(promises)("%s", (_, heldBy) => {
  expect(missing(heldBy)).toEqual([]);
});

test("a name that is not there is found", () => {
  const here = "tests/security.test.ts";
  expect(missing(`[a](${here} "a name that is not there is found")`)).toEqual([]);
  expect(missing(`[a](${here})`)).toHaveLength(1);
  expect(missing(`[a](${here} "${["no", "such", "name"].join(" ")}")`)).toHaveLength(1);
  expect(missing('[a](tests/nowhere.test.ts "a")')).toHaveLength(1);
  expect(missing('[a](README.md "lazyimg")')).toHaveLength(1);
});
