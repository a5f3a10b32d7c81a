import { createProject } from "./create-project.js";

const HELP = `npm create lazyimg-backend NAME

Writes the folder NAME with a package that reads a file format of yours with lazyimg: a backend for a small made-up
format, its tests, and a sample file. It builds and passes as it is; make the format your own from there.

NAME is the package's name on npm: lazyimg-backend-scan, or @you/scan.

  -h, --help   shows this
`;

/** Runs the command; returns its exit code. */
export async function main(args: readonly string[]): Promise<number> {
  if (args.some((arg) => arg === "-h" || arg === "--help")) {
    process.stdout.write(HELP);
    return 0;
  }
  const [name, ...others] = args;
  if (name === undefined || others.length > 0 || name.startsWith("-")) {
    process.stderr.write(`Expected one name, got ${args.join(" ") || "none"}.\n\n${HELP}`);
    return 1;
  }
  try {
    const { folder, files } = await createProject(name);
    process.stdout.write(
      `Wrote ${files.length} files into ${folder}. Next:\n\n  cd ${folder}\n  npm install\n  npm test\n`,
    );
    return 0;
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    return 1;
  }
}
