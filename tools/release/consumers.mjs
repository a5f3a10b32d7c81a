// Projects outside the workspace that install what was published.
import assert from "node:assert/strict";
import { copyFileSync, cpSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PHANTOM, plane, SHAPE } from "./phantom.mjs";
import { emptyProject, output, ROOT, run, temporaryFolder } from "./sandbox.mjs";

const PLUGIN = fileURLToPath(new URL("plugin", import.meta.url));
const K = 30;

/** An empty project with packages from the registry, and from nowhere else. */
export async function projectWith(packages, env, ...flags) {
  const cwd = emptyProject("project");
  await output(["npm", "install", ...flags, ...packages], { cwd, env });
  const { packages: locked } = JSON.parse(readFileSync(join(cwd, "package-lock.json"), "utf8"));
  for (const [path, { link, resolved }] of Object.entries(locked)) {
    if (path === "") continue;
    assert.ok(!link, `${path} is a link`);
    assert.ok(resolved.startsWith(env.npm_config_registry), `${path} comes from ${resolved}`);
  }
  return { cwd, env, versionsOf: (name) => versionsIn(locked, name) };
}

/** Every version of a package in a tree, sorted. */
function versionsIn(locked, name) {
  const all = Object.entries(locked).filter(([path]) => path.endsWith(`node_modules/${name}`));
  return [...new Set(all.map(([, { version }]) => version))].sort();
}

/** Runs a module in the project; what it printed as its last line, from JSON. */
async function inNode({ cwd, env }, code) {
  writeFileSync(join(cwd, "app.mjs"), code);
  const printed = await output([process.execPath, "app.mjs"], { cwd, env });
  return JSON.parse(printed.trimEnd().split("\n").at(-1));
}

/** Publishes the plugin, perhaps changed, from outside. */
export async function publishPlugin(env, change = (manifest) => manifest) {
  const cwd = temporaryFolder("plugin");
  cpSync(PLUGIN, cwd, { recursive: true });
  const path = join(cwd, "package.json");
  const manifest = change(JSON.parse(readFileSync(path, "utf8")));
  writeFileSync(path, JSON.stringify(manifest, null, 2));
  await output(["npm", "publish"], { cwd, env });
  return `${manifest.name}@${manifest.version}`;
}

/** A volume of the plugin's format: the voxel at (i, j, k) is i + 10 j + 100 k. */
function writeU8(path) {
  const [I, J, K] = [4, 3, 2];
  const sizes = Buffer.from(new Uint16Array([I, J, K]).buffer);
  const voxels = Uint8Array.from({ length: I * J * K }, (_, n) => {
    const [i, j, k] = [n % I, Math.floor(n / I) % J, Math.floor(n / (I * J))];
    return i + 10 * j + 100 * k;
  });
  writeFileSync(path, Buffer.concat([sizes, voxels]));
}

/** Node finds every package that it can run. */
export async function allAreImported(project, names) {
  const failed = await inNode(
    project,
    `const failed = [];
     for (const name of ${JSON.stringify(names)}) await import(name).catch((error) => failed.push(String(error)));
     console.log(JSON.stringify(failed));`,
  );
  assert.deepEqual(failed, []);
}

/** `lazyimg info`, `read` and `convert`, by npx. */
export async function commandWorks(project) {
  const { cwd, env } = project;
  const lazyimg = (...args) => output(["npx", "--no-install", "lazyimg", ...args], { cwd, env });
  copyFileSync(PHANTOM, join(cwd, "scan.nii.gz"));

  const info = JSON.parse(await lazyimg("info", "scan.nii.gz", "--json"));
  assert.deepEqual({ backend: info.backend, shape: info.shape }, { backend: "nifti", shape: SHAPE });

  const read = async (source) => {
    await lazyimg("read", source, "--index", `0,:,:,${K}`, "--output", "plane.npy", "--raw");
    return voxelsOfNpy(join(cwd, "plane.npy"));
  };
  assert.deepEqual(await read("scan.nii.gz"), plane(K));
  await lazyimg("convert", "scan.nii.gz", "scan.nii.zarr");
  assert.deepEqual(await read("scan.nii.zarr"), plane(K));

  // A format that is not built in, but installed.
  const npy = ["info", "plane.npy", "--json", "--plugin", "@lazyimg/backend-npy"];
  assert.equal(JSON.parse(await lazyimg(...npy)).backend, "npy");
}

/** `npm create lazyimg-backend`: a package that builds, passes the suite, opens its sample, and is a plugin elsewhere. */
export async function createdBackendWorks({ cwd, env }) {
  const place = temporaryFolder("created");
  await output(["npm", "create", "--yes", "lazyimg-backend", "lazyimg-backend-scan"], { cwd: place, env });
  const created = { cwd: join(place, "lazyimg-backend-scan"), env };
  await output(["npm", "install"], created);
  const printed = await output(["npm", "test"], created);
  assert.match(printed, /^. (pass [1-9]\d*)$/m);
  assert.match(printed, /^. fail 0$/m);
  assert.match(printed, /^sample\.scan: \d+ x /m);

  const packed = JSON.parse(await output(["npm", "pack", "--json", "--ignore-scripts"], created));
  await output(["npm", "install", join(created.cwd, packed[0].filename)], { cwd, env });
  const info = ["info", join(created.cwd, "sample.scan"), "--json", "--plugin", "lazyimg-backend-scan"];
  const { backend } = JSON.parse(await output(["npx", "--no-install", "lazyimg", ...info], { cwd, env }));
  assert.equal(backend, "scan");
}

/** int16 of a .npy file, in C order. */
function voxelsOfNpy(path) {
  const bytes = readFileSync(path);
  const start = 10 + bytes.readUInt16LE(8);
  const header = bytes.toString("latin1", 10, start);
  assert.match(header, /'descr': '<i2'/);
  const [, ...sizes] = /'shape': \((\d+), (\d+), (\d+), (\d+)\)/.exec(header).map(Number);
  const values = new Int16Array(new Uint8Array(bytes.subarray(start)).buffer);
  if (!header.includes("'fortran_order': True")) return [...values];
  const [, I, J] = sizes;
  return Array.from(values, (_, n) => values[Math.floor(n / J) + I * (n % J)]);
}

/** The published types say what they should, without Node's and with nothing skipped. */
export async function typesHold({ cwd, env }) {
  const app = `
    import { nifti } from "@lazyimg/backend-nifti";
    import type { Tensor } from "@lazyimg/core";
    import { type Image, openImage } from "lazyimg";
    const image: Image = await openImage(new Blob([]), { backends: [nifti] });
    export const plane: Tensor<"float32"> = await image.read([0, "...", 5], { dtype: "float32" });
    export const values: Float32Array = plane.data;
    // @ts-expect-error: an index is not text
    await image.read(":");`;
  writeFileSync(join(cwd, "app.ts"), app);
  const tsc = join(ROOT, "node_modules", "typescript", "bin", "tsc");
  const options = ["--noEmit", "--strict", "--skipLibCheck", "false", "--types", ""];
  const libraries = [
    "--module",
    "nodenext",
    "--target",
    "es2022",
    "--lib",
    "es2023,dom,dom.iterable,esnext.disposable",
  ];
  await output([process.execPath, tsc, ...options, ...libraries, "app.ts"], { cwd, env });
}

/** A stranger's plugin opens its format, by import and by `--plugin`. */
export async function pluginWorks(project) {
  const { cwd, env } = project;
  writeU8(join(cwd, "scan.u8"));
  const found = await inNode(
    project,
    `import "lazyimg-plugin-u8";
     import { listBackends, openImage } from "lazyimg";
     const image = await openImage("scan.u8");
     const row = await image.read([0, "...", 2, 1]);
     console.log(JSON.stringify({ first: listBackends()[0], shape: image.shape, row: [...row.copy("C").data] }));`,
  );
  assert.deepEqual(found, { first: "u8", shape: [1, 4, 3, 2], row: [120, 121, 122, 123] });

  const command = ["npx", "--no-install", "lazyimg", "info", "scan.u8", "--json"];
  const info = JSON.parse(await output([...command, "--plugin", "lazyimg-plugin-u8"], { cwd, env }));
  assert.deepEqual({ backend: info.backend, shape: info.shape }, { backend: "u8", shape: [1, 4, 3, 2] });
  const without = await run(command, { cwd, env });
  assert.equal(without.code, 1);
  assert.equal(JSON.parse(without.stderr).error.code, "ERR_NO_BACKEND");
}

/** Two versions of core in one tree: what one registers, the other finds. */
export async function coresShare(project, [older, newer]) {
  assert.deepEqual(project.versionsOf("@lazyimg/core"), [older, newer]);
  writeU8(join(project.cwd, "scan.u8"));
  const found = await inNode(
    project,
    `import { createRequire } from "node:module";
     import { readFileSync } from "node:fs";
     import { isLazyImageError, listBackends } from "@lazyimg/core";
     import { openImage } from "@lazyimg/image";
     import "lazyimg-plugin-own-core";
     const here = createRequire(import.meta.url);
     const there = createRequire(here.resolve("lazyimg-plugin-own-core"));
     const version = (require) => JSON.parse(readFileSync(require.resolve("@lazyimg/core/package.json"), "utf8")).version;
     const image = await openImage("scan.u8");
     const error = await image.read([0, 9]).catch((error) => error);
     console.log(JSON.stringify({
       cores: [version(here), version(there)],
       backends: listBackends(),
       shape: image.shape,
       known: isLazyImageError(error, "ERR_INDEX"),
     }));`,
  );
  assert.deepEqual(found, {
    cores: [older, newer],
    backends: ["u8"],
    shape: [1, 4, 3, 2],
    known: true,
  });
}

/** What someone reads who forgot core, or has one that does not fit. */
export async function errorsAreClear(env) {
  const without = await projectWith(["@lazyimg/backend-nifti"], env, "--legacy-peer-deps");
  assert.deepEqual(without.versionsOf("@lazyimg/core"), []);
  const imported = await run(
    [process.execPath, "--input-type=module", "-e", 'import "@lazyimg/backend-nifti"'],
    without,
  );
  assert.notEqual(imported.code, 0);
  assert.match(
    imported.stderr,
    /Cannot find package '@lazyimg\/core' imported from .*@lazyimg\/backend-nifti/,
  );

  const plugin = await publishPlugin(env, (manifest) => ({
    ...manifest,
    name: "lazyimg-plugin-future",
    peerDependencies: { "@lazyimg/core": ">=9" },
  }));
  const conflict = await run(["npm", "install", "@lazyimg/core", plugin], {
    cwd: emptyProject("conflict"),
    env,
  });
  assert.notEqual(conflict.code, 0);
  for (const part of ["ERESOLVE", "@lazyimg/core", ">=9", "lazyimg-plugin-future"]) {
    assert.ok(conflict.stderr.includes(part), `npm does not tell ${part}:\n${conflict.stderr}`);
  }
}
