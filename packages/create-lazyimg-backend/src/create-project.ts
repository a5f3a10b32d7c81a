import { mkdir, readdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { namesFor } from "./names.js";

/** What was written. */
export interface CreatedProject {
  /** Absolute path, or relative to the working directory where `directory` was. */
  readonly folder: string;
  /** Paths of the files, from there. */
  readonly files: readonly string[];
}

const PACKAGE = new URL("../", import.meta.url);
const TEMPLATE = fileURLToPath(new URL("template/", PACKAGE));

/**
 * Writes a package that reads a file format with lazyimg into a new folder.
 *
 * @param name npm's name of the package; the folder has it too, without the scope
 * @param directory where the folder is made
 * @throws Error for a name that npm would not take, and where the folder has files in it already
 */
export async function createProject(name: string, directory = "."): Promise<CreatedProject> {
  const names = namesFor(name);
  const folder = join(directory, names.folder);
  const found = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return [];
    throw error;
  });
  if (found.length > 0) {
    throw new Error(`${folder} has ${found.length} files or folders in it; give another name, or empty it.`);
  }
  const versions = await dependencyVersions();
  const entries = await readdir(TEMPLATE, { recursive: true, withFileTypes: true });
  const files: string[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const from = join(entry.parentPath, entry.name);
    // npm publishes no .gitignore, and tools take every package.json for a package's own.
    const file = relative(TEMPLATE, from)
      .replace(/(^|[/\\])_(gitignore)$/, "$1.$2")
      .replace(/(^|[/\\])_/, "$1");
    const text = (await readFile(from, "utf8"))
      .replaceAll("PACKAGE_NAME", names.package)
      .replaceAll("Example", names.pascal)
      .replace(/example(?=[A-Z])/g, names.camel)
      .replaceAll("example", names.lower)
      .replace(
        /"([^"]+)": "VERSION"/g,
        (_, dependency: string) => `"${dependency}": "${versions[dependency]}"`,
      );
    await mkdir(dirname(join(folder, file)), { recursive: true });
    await writeFile(join(folder, file), text);
    files.push(file);
  }
  return { folder, files: files.sort() };
}

/** The versions that this release was tested with: its own devDependencies. */
async function dependencyVersions(): Promise<Record<string, string>> {
  const manifest = JSON.parse(await readFile(new URL("package.json", PACKAGE), "utf8")) as {
    devDependencies: Record<string, string>;
  };
  return manifest.devDependencies;
}
