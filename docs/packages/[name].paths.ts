import { existsSync, readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const packages = fileURLToPath(new URL("../../packages/", import.meta.url));

/** A page for each package: its README.md. */
export default {
  watch: [`${packages}*/README.md`],
  paths: () =>
    readdirSync(packages)
      .filter((name) => existsSync(`${packages}${name}/README.md`))
      .map((name) => ({ params: { name }, content: readFileSync(`${packages}${name}/README.md`, "utf8") })),
};
