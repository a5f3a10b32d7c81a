// Changesets in a copy of the repository: what a release does, and what it would do.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { published } from "./registry.mjs";
import { commit, output, run } from "./sandbox.mjs";

/** Public packages of a copy: name, version and folder. */
export function packagesOf(clone) {
  return readdirSync(join(clone, "packages"))
    .map((folder) => ({ folder, path: join(clone, "packages", folder, "package.json") }))
    .filter(({ path }) => existsSync(path))
    .map(({ folder, path }) => ({ folder, ...JSON.parse(readFileSync(path, "utf8")) }))
    .filter((manifest) => manifest.private !== true);
}

const versionsOf = (clone) =>
  Object.fromEntries(packagesOf(clone).map(({ name, version }) => [name, version]));

/** What is in `after`, and not the same in `before`. */
const difference = (before, after) =>
  Object.fromEntries(Object.entries(after).filter(([name, value]) => before[name] !== value));

export class Release {
  #clone;
  #env;
  #registry;

  constructor(clone, env, registry) {
    this.#clone = clone;
    this.#env = env;
    this.#registry = registry;
  }

  #changeset(...args) {
    const command = join(this.#clone, "node_modules", "@changesets", "cli", "bin.js");
    return output([process.execPath, command, ...args], { cwd: this.#clone, env: this.#env });
  }

  /** Describes a change, as `pnpm changeset` does. @param bumps such as `{ "@lazyimg/core": "minor" }` */
  #describe(bumps, text) {
    const file = join(this.#clone, ".changeset", "rehearsed.md");
    const lines = Object.entries(bumps).map(([name, bump]) => `"${name}": ${bump}\n`);
    writeFileSync(file, `---\n${lines.join("")}---\n\n${text}\n`);
    return file;
  }

  /** What would be released for a change, by name: `"patch"`, `"minor"` or `"major"`. */
  async plan(bumps) {
    const file = this.#describe(bumps, "What if?");
    const report = "rehearsed-plan.json";
    await this.#changeset("status", "--output", report);
    const { releases } = JSON.parse(readFileSync(join(this.#clone, report), "utf8"));
    rmSync(file);
    rmSync(join(this.#clone, report));
    return Object.fromEntries(
      releases.filter(({ type }) => type !== "none").map(({ name, type }) => [name, type]),
    );
  }

  /** Describes a change and makes versions of it; the new ones by name, and the files that changed. */
  async version(bumps, text) {
    this.#describe(bumps, text);
    await commit(this.#clone, this.#env, text);
    const before = versionsOf(this.#clone);
    await this.#changeset("version");
    const { stdout } = await run(["git", "status", "--porcelain"], { cwd: this.#clone });
    const files = stdout
      .trimEnd()
      .split("\n")
      .map((line) => line.slice(3));
    await commit(this.#clone, this.#env, "Version packages");
    return { versions: difference(before, versionsOf(this.#clone)), files: files.sort() };
  }

  /** Publishes what is not published yet; the versions that are new in the registry, by name. */
  async publish() {
    const before = await this.#latest();
    await this.#changeset("publish");
    return difference(before, await this.#latest());
  }

  async #latest() {
    const names = packagesOf(this.#clone).map(({ name }) => name);
    const latest = async (name) => [name, Object.keys(await published(this.#registry, name)).at(-1)];
    return Object.fromEntries(await Promise.all(names.map(latest)));
  }

  changelog(folder) {
    return readFileSync(join(this.#clone, "packages", folder, "CHANGELOG.md"), "utf8");
  }

  async tags() {
    const tags = await output(["git", "tag", "--list"], { cwd: this.#clone });
    return tags.trim().split("\n");
  }
}
