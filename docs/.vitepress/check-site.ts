import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/**
 * Checks the built site: every link and anchor leads somewhere, links into the repository included, and nothing is loaded
 * from another host.
 *
 * @throws with a list of what is wrong
 */
export function checkSite(outDir: string, base: string): void {
  const files = readdirSync(outDir, { recursive: true, encoding: "utf8" }).map((path) =>
    path.replaceAll("\\", "/"),
  );
  const read = (path: string): string => readFileSync(join(outDir, path), "utf8");
  const pages = new Map(files.filter((path) => path.endsWith(".html")).map((path) => [path, read(path)]));
  const ids = new Map([...pages].map(([path, html]) => [path, idsOf(html)]));
  const wrong: string[] = [];

  for (const [path, html] of pages) {
    for (const [, tag, attribute, value = ""] of html.matchAll(/<(\w+)\b[^>]*?\s(href|src)="([^"]*)"/g)) {
      const target = value.replaceAll("&amp;", "&");
      if (/^(mailto|data):/.test(target)) continue;
      if (/^(https?:)?\/\//.test(target)) {
        if (tag !== "a") wrong.push(`${path} loads ${target}`);
        const [, file] = /^https:\/\/github\.com\/lazyimg\/lazyimg\/blob\/main\/([^#]+)/.exec(target) ?? [];
        if (file !== undefined && !existsSync(join(outDir, "../../..", file)))
          wrong.push(`${path}: ${target}`);
        continue;
      }
      const { pathname, hash } = new URL(target, `http://site${base}${path}`);
      const inside = decodeURI(pathname).slice(base.length);
      const file = inside === "" || inside.endsWith("/") ? `${inside}index.html` : inside;
      if (!pathname.startsWith(base) || !files.includes(file)) wrong.push(`${path}: ${attribute} ${target}`);
      else if (hash !== "" && ids.get(file)?.has(decodeURIComponent(hash.slice(1))) === false) {
        wrong.push(`${path}: no such anchor, ${target}`);
      }
    }
  }
  for (const path of files.filter((file) => /\.(css|svg|html)$/.test(file))) {
    for (const [, url] of read(path).matchAll(/(?:@import|url\()\s*["']?((?:https?:)?\/\/[^"')]+)/g)) {
      wrong.push(`${posix.basename(path)} loads ${url}`);
    }
  }
  if (wrong.length > 0) throw new Error(`The site has ${wrong.length} faults:\n${wrong.join("\n")}`);
}

function idsOf(html: string): Set<string> {
  return new Set([...html.matchAll(/\sid="([^"]+)"/g)].map(([, id]) => id!.replaceAll("&amp;", "&")));
}
