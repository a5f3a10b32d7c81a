import { ITK, LAZY } from "./names.js";
import type { ViewerSource } from "./source.js";

type Source = Exclude<ViewerSource, { kind: "url" }>;

/** Names that labels have. */
const LABELS = /label|seg|mask|parc|atlas/i;
/** The second half of a pair; the first opens both. */
const IMG = /\.img(\.gz)?$/i;

/**
 * The images among files: a `.zarr` folder is one, a pair is one, and what is no image lies beside those that are. A
 * single file is taken for an image whatever its name. Labels come last. What ITK reads is an image where nothing else is,
 * for pictures lie beside scans; of several, which are likely slices of one thing, the first is taken, and labels.
 *
 * @param files by path; folders are separated by slashes
 */
export function imagesIn(files: ReadonlyMap<string, Blob>): Source[] {
  const hierarchies = new Map<string, Map<string, Blob>>();
  const folders = new Map<string, Map<string, Blob>>();
  for (const [path, file] of files) {
    const [, root, below] = /^(.*?\.zarr)\/(.+)$/i.exec(path) ?? [];
    const slash = path.lastIndexOf("/");
    const [groups, key, name] =
      root !== undefined && below !== undefined
        ? [hierarchies, root, below]
        : [folders, path.slice(0, slash + 1), path.slice(slash + 1)];
    if (!groups.has(key)) groups.set(key, new Map());
    groups.get(key)!.set(name, file);
  }
  const images: Source[] = [...hierarchies].map(([root, found]) => ({
    kind: "zarr",
    name: root.slice(root.lastIndexOf("/") + 1),
    files: found,
  }));
  const isLazy = (name: string): boolean => LAZY.test(name);
  const hasLazy =
    images.length > 0 || [...folders.values()].some((beside) => [...beside.keys()].some(isLazy));
  for (const beside of folders.values()) {
    const names = [...beside.keys()].filter(
      (name) => isLazy(name) || (!hasLazy && ITK.test(name)) || files.size === 1,
    );
    const stems = new Set(names.filter((name) => /\.hdr(\.gz)?$/i.test(name)).map(stemOf));
    for (const name of names) {
      if (!IMG.test(name) || !stems.has(stemOf(name))) images.push({ kind: "file", name, files: beside });
    }
  }
  images.sort(
    (a, b) =>
      Number(LABELS.test(a.name)) - Number(LABELS.test(b.name)) ||
      a.name.localeCompare(b.name, undefined, { numeric: true }),
  );
  return hasLazy ? images : images.filter(({ name }, n) => n === 0 || LABELS.test(name));
}

const stemOf = (name: string): string => name.replace(/\.(hdr|img)(\.gz)?$/i, "").toLowerCase();

/** Everything that was dropped, folders with what is in them, by path. */
export async function filesDropped(data: DataTransfer): Promise<Map<string, Blob>> {
  // All at once: nothing is left of the items after the first wait.
  const entries = [...data.items].flatMap((item) => item.webkitGetAsEntry() ?? []);
  const files = new Map<string, Blob>();
  await Promise.all(entries.map((entry) => collect(entry, files)));
  return files;
}

async function collect(entry: FileSystemEntry, files: Map<string, Blob>): Promise<void> {
  const path = entry.fullPath.replace(/^\//, "");
  if (entry.isFile) {
    const file = entry as FileSystemFileEntry;
    files.set(path, await new Promise<File>((resolve, reject) => file.file(resolve, reject)));
    return;
  }
  const reader = (entry as FileSystemDirectoryEntry).createReader();
  for (;;) {
    // Browsers give a hundred at a time.
    const some = await new Promise<FileSystemEntry[]>((resolve, reject) =>
      reader.readEntries(resolve, reject),
    );
    if (some.length === 0) return;
    await Promise.all(some.map((inside) => collect(inside, files)));
  }
}

/** What was chosen with a file input; of a folder, paths begin with its name. */
export function filesChosen(list: FileList): Map<string, Blob> {
  return new Map([...list].map((file) => [file.webkitRelativePath || file.name, file]));
}
