// Rehearses a release: publishes every package to a registry of its own, and installs them from it into projects that know
// nothing of this workspace. Everything happens in temporary folders, on a copy of the working tree.
//
//     pnpm run rehearse
import assert from "node:assert/strict";
import { join } from "node:path";
import { browserWorks } from "./browser.mjs";
import { packagesOf, Release } from "./changesets.mjs";
import {
  allAreImported,
  commandWorks,
  coresShare,
  createdBackendWorks,
  errorsAreClear,
  pluginWorks,
  projectWith,
  publishPlugin,
  typesHold,
} from "./consumers.mjs";
import { provenanceIsAskedFor } from "./provenance.mjs";
import { published, startRegistry } from "./registry.mjs";
import { cleanEnvironment, copyOfWorkingTree, output, ROOT } from "./sandbox.mjs";

const NIFTI = "@lazyimg/backend-nifti";
const CORE = "@lazyimg/core";

const began = performance.now();
async function step(what, work) {
  const start = performance.now();
  const result = await work();
  const said = typeof result === "string" ? `: ${result}` : "";
  console.log(`${((performance.now() - start) / 1000).toFixed(1).padStart(6)} s  ${what}${said}`);
  return result;
}

const ours = packagesOf(ROOT).map(({ name }) => name);
const registry = await step("a registry starts", () =>
  startRegistry(["@lazyimg/*", ...ours.filter((name) => !name.startsWith("@")), "lazyimg-plugin-*"]),
);
const env = cleanEnvironment(registry);

const clone = await copyOfWorkingTree(env);
await step("a copy is built", async () => {
  const options = { cwd: clone };
  await output(["pnpm", "install", "--frozen-lockfile", "--prefer-offline"], options);
  await output(["pnpm", "exec", "turbo", "run", "build", "--filter=./packages/*"], options);
});
const release = new Release(clone, env, registry);
const first = Object.fromEntries(packagesOf(clone).map(({ name, version }) => [name, version]));

await step("every package is published", async () => {
  assert.deepEqual(await release.publish(), first);
  const tags = await release.tags();
  for (const [name, version] of Object.entries(first)) {
    assert.ok(tags.includes(`${name}@${version}`), `no tag for ${name}`);
    const { [version]: manifest } = await published(registry, name);
    assert.doesNotMatch(JSON.stringify(manifest), /"(workspace|catalog):/, name);
  }
  return `${Object.keys(first).length} packages`;
});

await step("a plugin is published", () => publishPlugin(env));
const project = await step("an empty project installs them", () =>
  projectWith([...Object.keys(first), "lazyimg-plugin-u8"], env),
);
await step("Node imports them", () => allAreImported(project, Object.keys(first)));
await step("there is one core", () => assert.deepEqual(project.versionsOf(CORE), [first[CORE]]));
await step("npx lazyimg info, read, convert", () => commandWorks(project));
await step("the types hold", () => typesHold(project));
await step("the plugin opens its format", () => pluginWorks(project));
await step("npm create lazyimg-backend", () => createdBackendWorks(project));
await step("a browser's bundle", () => browserWorks(project));
await step("a missing peer, and one that does not fit, are told", () => errorsAreClear(env));

await step("a change bumps what it must, and no more", async () => {
  for (const name of [NIFTI, CORE]) {
    assert.deepEqual(await release.plan({ [name]: "patch" }), { [name]: "patch" });
    // ^0.1.0 has no 0.2.0: whoever depends on it follows, and no peer does.
    const dependents = packagesOf(clone).filter(({ dependencies = {} }) => name in dependencies);
    const follow = Object.fromEntries(dependents.map((dependent) => [dependent.name, "patch"]));
    assert.deepEqual(await release.plan({ [name]: "minor" }), { [name]: "minor", ...follow });
  }
});

/** Releases a patch of one package, and nothing else. */
async function patch(name, folder) {
  const text = `A change of ${folder} alone.`;
  const { versions, files } = await release.version({ [name]: "patch" }, text);
  assert.deepEqual(Object.keys(versions), [name]);
  const expected = [
    ".changeset/rehearsed.md",
    `packages/${folder}/CHANGELOG.md`,
    `packages/${folder}/package.json`,
  ];
  assert.deepEqual(files, expected);
  const changelog = release.changelog(folder);
  assert.ok(changelog.includes(`## ${versions[name]}\n`) && changelog.includes(text), changelog);
  assert.deepEqual(await release.publish(), versions);
  return versions[name];
}
await step("a change of one backend is released", () => patch(NIFTI, "backend-nifti"));
const newer = await step("a change of core is released", () => patch(CORE, "core"));

await step("two versions of core in one tree share a registry", async () => {
  const plugin = await publishPlugin(env, ({ peerDependencies, ...manifest }) => ({
    ...manifest,
    name: "lazyimg-plugin-own-core",
    dependencies: { ...manifest.dependencies, [CORE]: newer },
  }));
  const older = `${CORE}@${first[CORE]}`;
  await coresShare(await projectWith([older, "@lazyimg/image", plugin], env), [first[CORE], newer]);
});

await step("the lockfile still fits, and provenance is asked for", async () => {
  const name = "@lazyimg/codecs";
  const { versions } = await release.version({ [name]: "patch" }, "A change that is not published.");
  await output(["pnpm", "install", "--frozen-lockfile", "--prefer-offline"], { cwd: clone });
  await provenanceIsAskedFor(join(clone, "packages", "codecs"), env);
  assert.ok(!(versions[name] in (await published(registry, name))));
});

registry.stop();
console.log(`The release works: ${((performance.now() - began) / 1000).toFixed(0)} s`);
