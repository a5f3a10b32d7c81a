import { posix } from "node:path";
import type { MarkdownRenderer } from "vitepress";

export const REPOSITORY = "https://github.com/lazyimg/lazyimg";

/** Path of a page's source from the root of the repository: `packages/core.md` shows packages/core/README.md. */
function sourceOf(page: string): string {
  const [, name] = /^packages\/([\w-]+)\.md$/.exec(page) ?? [];
  return name === undefined ? `docs/${page}` : `packages/${name}/README.md`;
}

/** Where a file of the repository is to be read: in the site if it has a page there, else at the repository. */
function addressOf(path: string): string {
  if (path === "README.md" || path === "docs" || path === "") return "/";
  const [, page] = /^docs\/(.+)\.md$/.exec(path) ?? [];
  if (page !== undefined) return `/${page}`;
  const [, name] = /^packages\/([\w-]+)(?:\/README\.md)?$/.exec(path) ?? [];
  if (name !== undefined) return `/packages/${name}`;
  return `${REPOSITORY}/blob/main/${path}`;
}

/** The site's own link for one that is right in the repository. */
function followLink(href: string, page: string): string {
  if (/^([a-z]+:|#|\/)/.test(href)) return href;
  const [path = "", anchor] = href.split("#");
  const target = posix.join(posix.dirname(sourceOf(page)), decodeURI(path)).replace(/\/$/, "");
  return addressOf(target) + (anchor === undefined ? "" : `#${anchor}`);
}

/** Lets links between Markdown files of the repository lead to their pages. Those of the API reference are right already. */
export function followRepositoryLinks(md: MarkdownRenderer): void {
  md.core.ruler.push("repository-links", ({ tokens, env }) => {
    // A title by itself belongs to no page.
    if (env.relativePath === undefined || env.relativePath.startsWith("api/")) return;
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      if (token.type === "link_open")
        token.attrSet("href", followLink(token.attrGet("href")!, env.relativePath));
    }
  });
}
