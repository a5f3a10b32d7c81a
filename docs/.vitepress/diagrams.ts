import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { renderMermaidSVG } from "beautiful-mermaid";
import type { MarkdownRenderer } from "vitepress";

/** What the theme says is not said twice, and no font is loaded from elsewhere. */
function withoutStyle(svg: string): string {
  return svg.replace(/<style>[\s\S]*?<\/style>/g, "").replace(/\n\s*\n/g, "\n");
}

/**
 * Draws diagrams into the page, in the colours of the theme, so that they follow its light and dark: fenced blocks of
 * mermaid, and pictures that are SVG files. Code that is a file (`file=NAME` behind the language) gets its name above it.
 */
export function drawDiagrams(md: MarkdownRenderer): void {
  const { fence, image } = md.renderer.rules;
  md.renderer.rules.fence = (...args) => {
    const [tokens, index] = args;
    const { info, content } = tokens[index]!;
    const [, file] = /\bfile=(\S+)/.exec(info) ?? [];
    if (file !== undefined) return `<p class="file">${md.utils.escapeHtml(file)}</p>${fence!(...args)}`;
    if (info.trim() !== "mermaid") return fence!(...args);
    const svg = renderMermaidSVG(content, {
      bg: "var(--vp-c-bg)",
      fg: "var(--vp-c-text-1)",
      transparent: true,
      padding: 8,
    });
    return `<div class="diagram" v-pre>${withoutStyle(svg)}</div>\n`;
  };
  md.renderer.rules.image = (...args) => {
    const [tokens, index, , env] = args;
    const src = tokens[index]!.attrGet("src")!;
    if (!src.endsWith(".svg")) return image!(...args);
    const svg = readFileSync(join(dirname(env.path), src), "utf8");
    const alt = md.utils.escapeHtml(tokens[index]!.content);
    return `<span class="diagram" role="img" aria-label="${alt}" v-pre>${withoutStyle(svg).replaceAll("\n", "")}</span>`;
  };
}
