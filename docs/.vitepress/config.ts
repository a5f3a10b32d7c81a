import { defineConfig } from "vitepress";
import { checkSite } from "./check-site.js";
import { drawDiagrams } from "./diagrams.js";
import { followRepositoryLinks, REPOSITORY } from "./repository-links.js";
import { sidebar } from "./sidebar.js";
import { slugify } from "./slugify.js";

/** The site: the Markdown of this folder, the packages' README.md, and the API reference. Nothing comes from elsewhere. */
export default defineConfig({
  title: "lazyimg",
  description: "Volumetric images in TypeScript, opened lazily",
  lang: "en",
  // Where the site is not at the root of its host: "/lazyimg/", for instance.
  base: (process.env.DOCS_BASE ?? "/") as `/${string}/`,
  srcExclude: ["node_modules/**"],
  head: [["link", { rel: "icon", href: `${process.env.DOCS_BASE ?? "/"}icon.svg`, type: "image/svg+xml" }]],
  markdown: {
    anchor: { slugify },
    theme: { light: "github-light-high-contrast", dark: "github-dark-default" },
    config: (md) => {
      followRepositoryLinks(md);
      drawDiagrams(md);
    },
  },
  themeConfig: {
    logo: "/icon.svg",
    nav: [
      {
        text: "Guide",
        link: "/getting-started",
        activeMatch: "^/(getting-started|concepts|how-it-works|coming-from)",
      },
      { text: "Recipes", link: "/recipes/", activeMatch: "^/recipes/" },
      { text: "API", link: "/api/", activeMatch: "^/api/" },
    ],
    sidebar,
    outline: [2, 3],
    search: { provider: "local" },
    socialLinks: [{ icon: "github", link: REPOSITORY }],
    externalLinkIcon: true,
    footer: { message: "MIT licence" },
  },
  // The index of the search is one file, loaded by those who search.
  vite: { build: { chunkSizeWarningLimit: 2000 } },
  buildEnd: ({ outDir, site }) => checkSite(outDir, site.base),
});
