import { existsSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { DefaultTheme } from "vitepress";

type Items = DefaultTheme.SidebarItem[];

const docs = fileURLToPath(new URL("..", import.meta.url));
const packages = readdirSync(`${docs}../packages`).filter((name) =>
  existsSync(`${docs}../packages/${name}/README.md`),
);

const page = (text: string, link: string): DefaultTheme.SidebarItem => ({ text, link: `/${link}` });

const guide: Items = [
  {
    text: "Guide",
    items: [
      page("Getting started", "getting-started"),
      page("Concepts", "concepts"),
      page("How it works", "how-it-works"),
      page("From TorchIO or nibabel", "coming-from"),
      page("The command", "packages/lazyimg"),
      page("The viewer", "viewer"),
      page("Many workers", "distributed"),
    ],
  },
  {
    text: "Formats",
    items: [
      page("All formats", "formats"),
      page("NIfTI", "nifti"),
      page("Zarr", "zarr"),
      page("MGH", "mgh"),
      page("NRRD", "nrrd"),
      page("MetaImage", "metaimage"),
      page("npy", "npy"),
      page("MIF (MRtrix)", "mif"),
      page("In memory", "packages/backend-tensor"),
      page("Everything else: ITK", "itk"),
    ],
  },
  {
    text: "Sources",
    items: [
      page("HTTP", "http"),
      page("Object stores", "object-stores"),
      page("S3", "packages/transport-s3"),
      page("Google Cloud Storage", "packages/transport-gcs"),
      page("Azure", "packages/transport-azure"),
      page("gzip", "gzip"),
    ],
  },
  {
    text: "Recipes",
    items: [
      page("What runs where", "recipes/"),
      page("Plain canvas", "recipes/canvas"),
      page("NiiVue", "recipes/niivue"),
      page("cornerstone3D", "recipes/cornerstone3d"),
      page("onnxruntime-web", "recipes/onnxruntime-web"),
      page("TensorFlow.js", "recipes/tensorflow"),
    ],
  },
  {
    text: "Extend",
    items: [
      page("Write a lazy reader", "write-a-lazy-reader"),
      page("Write a backend", "write-a-backend"),
      page("Architecture", "architecture"),
    ],
  },
  {
    text: "Reference",
    items: [
      page("Errors", "errors"),
      page("Performance", "performance"),
      {
        text: "Packages",
        collapsed: true,
        items: packages.map((name) => page(name, `packages/${name}`)),
      },
      page("API", "api/"),
    ],
  },
];

/** Entry points of the packages: what TypeDoc wrote, if it ran. */
function api(): Items {
  if (!existsSync(`${docs}api`)) return [];
  const pages = readdirSync(`${docs}api`, { recursive: true, encoding: "utf8" })
    .map((path) => path.replaceAll("\\", "/").replace(/\.md$/, ""))
    .filter((path) => path.startsWith("@lazyimg/") && path.length > "@lazyimg/".length)
    .sort();
  const main = pages.filter((path) => path.split("/").length === 2);
  return [
    {
      text: "API",
      items: [...new Set(main)].map((path) => {
        const subpaths = pages.filter((other) => other.startsWith(`${path}/`));
        const item = page(path.slice("@lazyimg/".length), `api/${path}`);
        if (subpaths.length === 0) return item;
        const items = subpaths.map((other) => page(other.slice(path.length), `api/${other}`));
        return { ...item, items, collapsed: true };
      }),
    },
    { text: "Guide", items: [page("Getting started", "getting-started"), page("Concepts", "concepts")] },
  ];
}

export const sidebar: DefaultTheme.SidebarMulti = { "/": guide, "/api/": api() };
