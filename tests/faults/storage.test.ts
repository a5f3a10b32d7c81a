import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync } from "node:fs";
import {
  chmod,
  cp,
  mkdir,
  readdir,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  utimes,
  writeFile,
} from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { misbehavingServer } from "@lazyimg/testkit/server";
import { openImage } from "lazyimg";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { runJson, runModule } from "./support/child.js";
import { otherFormats } from "./support/other-formats.mjs";
import { CONTAINERS, DATA, makeSample, type Sample, Scratch, writeSample } from "./support/sample.js";
import { expectVoxels } from "./support/voxels.js";

const unix = process.platform !== "win32";
const scratch = new Scratch();
let sample: Sample;

beforeAll(async () => {
  sample = await makeSample();
  await writeSample(sample, scratch.at("good"));
  await chmod(scratch.folder, 0o755);
});
afterAll(() => scratch.remove());

const failure = (promise: Promise<unknown>): Promise<{ code: string; message: string }> =>
  promise.then(
    () => Promise.reject(new Error("it succeeded")),
    (error) => error as { code: string; message: string },
  );

/** A copy of the sample's files that may be spoiled. */
async function copy(name: string): Promise<(file: string) => string> {
  await cp(scratch.at("good"), scratch.at(name), { recursive: true });
  return (file) => scratch.at(name, file);
}

describe("names that people give", () => {
  const names = ["with spaces", "ünï cödé 脳", "100%", "%20", "a#b", "q?x=1", "semi;colon&more", "'quoted\""];
  test.each(unix ? names : names.slice(0, 2))("%s", async (name) => {
    // The name itself, and the folder's; headers name the files of their voxels.
    const { files, voxels } = sample;
    const all = Object.entries(files).map(([path, bytes]) => [`${name}-${path}`, bytes] as const);
    const odd = { ...Object.fromEntries(all), ...otherFormats(voxels, (path) => `${name}-${path}`) };
    await writeSample({ ...sample, files: odd }, scratch.at(name));
    for (const container of CONTAINERS) {
      const named = scratch.at(name, `${name}-${container}`);
      for (const source of [named, pathToFileURL(named), pathToFileURL(named).href]) {
        const image = await openImage(source);
        expectVoxels(await image.read([1, 5]), sample.tensor.slice([1, 5]));
        await image.close();
      }
    }
    const served = Object.entries(odd).map(([path, bytes]) => [`${name}/${path}`, bytes] as const);
    const server = await misbehavingServer(Object.fromEntries(served));
    for (const container of CONTAINERS) {
      const image = await openImage(
        `${server.url}${encodeURIComponent(name)}/${encodeURIComponent(`${name}-${container}`)}`,
      );
      expectVoxels(await image.read([1, 5]), sample.tensor.slice([1, 5]));
      await image.close();
    }
    await server.close();
    const saved = scratch.at(name, `${name} saved.nii.gz`);
    const image = await openImage(scratch.at("good", "scan.nii"));
    await image.save(saved);
    await image.save(scratch.at(name, `${name} saved.zarr`));
    await image.close();
    for (const path of [saved, scratch.at(name, `${name} saved.zarr`)]) {
      const again = await openImage(path);
      expectVoxels(await again.read(), sample.tensor);
      await again.close();
    }
  });
});

describe("files that change while they are open", () => {
  // Chunks of a folder are looked at below.
  const files = CONTAINERS.filter((name) => name !== "scan.zarr");
  const changes: Record<string, (path: string) => Promise<void>> = {
    truncated: async (path) => truncate(path, (await stat(path)).size >> 1),
    grown: (path) => writeFile(path, new Uint8Array(100), { flag: "a" }),
    rewritten: async (path) => {
      await writeFile(path, new Uint8Array((await stat(path)).size));
      await utimes(path, 1e9, 1e9);
    },
  };
  test.each(files.flatMap((file) => Object.keys(changes).map((change) => ({ file, change }))))(
    "$file, $change: ERR_CHANGED, or what was read before; nothing of the new file",
    async ({ file, change }) => {
      const at = await copy(`${change}-${file}`);
      const data = DATA[file] ?? file;
      const image = await openImage(at(file));
      expectVoxels(await image.read([0, 0]), sample.tensor.slice([0, 0]));
      await changes[change]!(at(data));
      const index = [1, null, 30, 25];
      const outcome = await image.read(index).catch((error: { code: string }) => error);
      if ("code" in outcome) {
        expect(outcome).toMatchObject({ code: "ERR_CHANGED", message: expect.stringContaining(data) });
      } else {
        // Inflated or fetched before it changed.
        expect(file).toMatch(/gz|zip|packed/);
        expectVoxels(outcome, sample.tensor.slice(index));
      }
      await image.close();
      await rm(scratch.at(`${change}-${file}`), { recursive: true });
    },
  );

  test.each(files)(
    "%s, replaced by another file: the voxels of the old one, or ERR_CHANGED",
    async (file) => {
      const at = await copy(`replaced-${file}`);
      const data = DATA[file] ?? file;
      const image = await openImage(at(file));
      expectVoxels(await image.read([0, 0]), sample.tensor.slice([0, 0]));
      const other = sample.files[data]!.map((byte, n) => (n < 400 ? byte : byte ^ 1));
      await writeFile(at("other"), other);
      await rename(at("other"), at(data));
      for (let n = 0; n < 3; n++) {
        const index = [1, null, 10 * n, null];
        const outcome = await image.read(index).catch((error: { code: string }) => error);
        if ("code" in outcome) expect(outcome.code).toBe("ERR_CHANGED");
        else expectVoxels(outcome, sample.tensor.slice(index));
      }
      await image.close();
    },
  );

  test("truncated amid reads that overlap: each is right or ERR_CHANGED", async () => {
    const at = await copy("amid");
    for (const file of ["scan.nii", "scan.nii.gz"]) {
      const image = await openImage(at(file));
      const reads = Array.from({ length: 60 }, async (_, n) => {
        if (n === 30) await truncate(at(file), 5000);
        const index = [n % 2, n % 40];
        try {
          expectVoxels(await image.read(index), sample.tensor.slice(index));
          return "voxels";
        } catch (error) {
          return (error as { code: string }).code;
        }
      });
      const outcomes = new Set(await Promise.all(reads));
      for (const outcome of outcomes) expect(["voxels", "ERR_CHANGED"]).toContain(outcome);
      if (file === "scan.nii") expect((await failure(image.read([1, 39]))).code).toBe("ERR_CHANGED");
      await image.close();
    }
  });

  test("chunks of a Zarr folder that are cut are ERR_CORRUPT, by name", async () => {
    const at = await copy("chunks");
    const image = await openImage(at("scan.zarr"));
    const chunk = Object.keys(sample.files).find((name) => /^scan\.zarr\/0\/c(\/0)+$/.test(name))!;
    await truncate(at(chunk), 20);
    expect(await failure(image.read([0, 0, 0, 0]))).toMatchObject({
      code: "ERR_CORRUPT",
      message: expect.stringContaining(chunk.slice("scan.zarr/".length)),
    });
    expectVoxels(await image.read([1]), sample.tensor.slice([1]));
    await image.close();
  });
});

describe.skipIf(!unix)("what is no file", () => {
  test.each([
    "pipe.nii",
    "pipe.nii.gz",
    "pipe.img",
    "pipe.zarr.zip",
    "pipe.mgh",
    "pipe.mgz",
    "pipe.nrrd",
    "pipe.nhdr",
    "pipe.mha",
    "pipe.mhd",
    "pipe.mif",
    "pipe.mih",
    "pipe.npy",
    "zero.nii",
    "zero.mgh",
    "zero.nrrd",
    "zero.mha",
    "zero.mif",
    "zero.npy",
    "zero.zarr.zip",
    "folder.nii",
  ])("%s is ERR_UNSUPPORTED, at once", async (name) => {
    const path = scratch.at(name);
    if (name.startsWith("pipe")) execFileSync("mkfifo", [path]);
    else if (name.startsWith("zero")) await symlink("/dev/zero", path);
    else mkdirSync(path);
    const error = await failure(openImage(path));
    expect(error).toMatchObject({ code: "ERR_UNSUPPORTED", message: expect.stringContaining(name) });
  });

  test.each(Object.entries(DATA))("of %s, %s is refused, at once", async (container, data) => {
    for (const kind of ["pipe", "zero", "folder"]) {
      const at = await copy(`data-${kind}-${container}`);
      await rm(at(data));
      if (kind === "pipe") execFileSync("mkfifo", [at(data)]);
      else if (kind === "zero") await symlink("/dev/zero", at(data));
      else mkdirSync(at(data));
      expect(await failure(openImage(at(container)).then((image) => image.read()))).toMatchObject({
        code: "ERR_UNSUPPORTED",
        message: expect.stringContaining(data),
      });
    }
  });

  test("a sidecar that is no file is not used", async () => {
    const at = await copy("data-sidecar");
    await rm(at("indexed.nii.gz.gzidx"));
    execFileSync("mkfifo", [at("indexed.nii.gz.gzidx")]);
    const warn = vi.spyOn(console, "warn").mockReturnValue();
    const image = await openImage(at("indexed.nii.gz"));
    expectVoxels(await image.read([1, 5]), sample.tensor.slice([1, 5]));
    await image.close();
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/indexed\.nii\.gz\.gzidx is a FIFO/)]]);
    warn.mockRestore();
  });

  test("a socket is ERR_UNSUPPORTED or ERR_IO, at once", async () => {
    const path = scratch.at("socket.nii");
    const server = createServer().listen(path);
    await once(server, "listening");
    const error = await failure(openImage(path));
    expect(error).toMatchObject({
      code: expect.stringMatching(/^ERR_(UNSUPPORTED|IO)$/),
      message: expect.stringContaining("socket.nii"),
    });
    server.close();
  });

  test.each(["pipe", "folder"])(
    "saving to a %s is an error, at once, and leaves it as it was",
    async (kind) => {
      const image = await openImage(scratch.at("good", "scan.nii"));
      for (const extension of ["nii", "nii.gz", "zarr"]) {
        const path = scratch.at(`onto-${kind}`, `${kind}.${extension}`);
        await mkdir(scratch.at(`onto-${kind}`), { recursive: true });
        if (kind === "pipe") execFileSync("mkfifo", [path]);
        else await mkdir(path);
        const before = await readdir(scratch.at(`onto-${kind}`));
        expect((await failure(image.save(path))).code, extension).toMatch(/^ERR_/);
        expect(await readdir(scratch.at(`onto-${kind}`))).toEqual(before);
      }
      await image.close();
    },
  );

  test.each([".zarray", "zarr.json", "0.0.0"])("%s of a Zarr folder is an error, at once", async (file) => {
    const folder = scratch.at(`fifo-${file}.zarr`);
    mkdirSync(folder);
    if (file === "0.0.0") {
      const array = { zarr_format: 2, shape: [4, 4, 4], chunks: [4, 4, 4], dtype: "<i2", fill_value: 0 };
      const plain = { compressor: null, filters: null, order: "C" };
      await writeFile(join(folder, ".zarray"), JSON.stringify({ ...array, ...plain }));
    }
    execFileSync("mkfifo", [join(folder, file)]);
    const error = await failure(openImage(folder).then((image) => image.load()));
    expect(error).toMatchObject({ code: "ERR_UNSUPPORTED", message: expect.stringContaining(file) });
  });

  test.each(["pipe.zarr", "zero.zarr", "file.zarr"])("%s is an error, at once", async (name) => {
    const path = scratch.at(name);
    if (name.startsWith("pipe")) execFileSync("mkfifo", [path]);
    else if (name.startsWith("zero")) await symlink("/dev/zero", path);
    else await writeFile(path, "x");
    expect((await failure(openImage(path))).code).toMatch(/^ERR_(NOT_FOUND|UNSUPPORTED|IO)$/);
  });
});

/** Whoever may not do everything; the superuser may. */
const somebody = process.getuid?.() === 0 ? { uid: 65534 } : {};

describe.skipIf(!unix)("permissions", () => {
  test.each(CONTAINERS)("%s that may not be read is ERR_IO with the path", async (container) => {
    const at = await copy(`private-${container}`);
    await chmod(at(container), 0);
    const [error] = await runJson<{ code: string; message: string }>(
      `import { openImage } from "./every-format.mjs";
       await openImage(${JSON.stringify(at(container))}).then(() => console.log('{"code":"none"}'),
         ({ code, message }) => console.log(JSON.stringify({ code, message })));`,
      somebody,
    );
    await chmod(at(container), 0o755);
    expect(error).toMatchObject({ code: "ERR_IO", message: expect.stringContaining(container) });
  });

  test("permission that is lost while open: the voxels of the descriptor, or ERR_IO", async () => {
    const at = await copy("lost");
    await chmod(scratch.at("lost"), 0o777);
    const lines = await runJson<string>(
      `import { chmodSync } from "node:fs";
       import { openImage } from "./every-format.mjs";
       const paths = ${JSON.stringify(CONTAINERS.map((container) => at(container)))};
       const images = await Promise.all(paths.map((path) => openImage(path)));
       process.setuid?.(${process.getuid?.() === 0 ? 0 : "process.getuid()"});
       for (const path of paths) chmodSync(path, 0);
       process.setgid?.(${JSON.stringify(somebody.uid ?? null)} ?? process.getgid());
       process.setuid?.(${JSON.stringify(somebody.uid ?? null)} ?? process.getuid());
       for (const image of images) {
         console.log(JSON.stringify(await image.read([1, 3]).then(({ shape }) => shape.join(), (error) => error.code)));
       }`,
    );
    for (const container of CONTAINERS) await chmod(at(container), 0o755);
    expect(lines).toHaveLength(CONTAINERS.length);
    for (const line of lines) expect(["1,1,36,30", "ERR_IO"]).toContain(line);
  });

  test("images in a folder that is read-only are read; saving there is ERR_IO, and leaves nothing", async () => {
    const at = await copy("read-only");
    await chmod(scratch.at("read-only"), 0o555);
    const before = await readdir(scratch.at("read-only"));
    const lines = await runJson<{ code: string; message?: string }>(
      `import { openImage } from "./every-format.mjs";
       const say = (value) => console.log(JSON.stringify(value));
       for (const path of ${JSON.stringify(CONTAINERS.map((container) => at(container)))}) {
         const image = await openImage(path);
         await image.read([0, 0]);
         for (const name of ["new.nii", "new.nii.gz", "new.zarr"]) {
           await image.save(${JSON.stringify(`${scratch.at("read-only")}/`)} + name).then(() => say({ code: "saved" }),
             ({ code, message }) => say({ code, message }));
         }
       }`,
      somebody,
    );
    await chmod(scratch.at("read-only"), 0o755);
    expect(lines).toHaveLength(3 * CONTAINERS.length);
    for (const line of lines) {
      expect(line).toMatchObject({ code: "ERR_IO", message: expect.stringContaining("read-only") });
    }
    expect(await readdir(scratch.at("read-only"))).toEqual(before);
  });
});

describe.skipIf(!unix)("too many open files", () => {
  test("with few descriptors, hundreds of images of every container are read at once", async () => {
    await mkdir(scratch.at("many"));
    for (let n = 0; n < 30; n++)
      await cp(scratch.at("good"), scratch.at("many", String(n)), { recursive: true });
    const paths = Array.from({ length: 30 }, (_, n) =>
      CONTAINERS.map((one) => scratch.at("many", String(n), one)),
    );
    const [result] = await runJson<{ read: number }>(
      `import { openImage } from "./every-format.mjs";
       const images = await Promise.all(${JSON.stringify(paths.flat())}.map((path) => openImage(path)));
       const tensors = await Promise.all(images.map((image, n) => image.read([n % 2, n % 40])));
       console.log(JSON.stringify({ read: tensors.length }));`,
      { shell: "ulimit -n 120" },
    );
    expect(result).toEqual({ read: 30 * CONTAINERS.length });
  });

  test("with none left, every container is ERR_IO that says so, and is read when there are some again", async () => {
    const lines = await runJson<{ code: string; message: string; shape: string }>(
      `import { closeSync, openSync } from "node:fs";
       import { openImage } from "./every-format.mjs";
       const paths = ${JSON.stringify(CONTAINERS.map((container) => scratch.at("good", container)))};
       for (const path of paths) await (await openImage(path)).close(); // what is loaded on demand is loaded
       for (const path of paths) {
         const held = [];
         try { for (;;) held.push(openSync("/dev/null")); } catch {}
         const { code, message } = await openImage(path).then(() => ({}), (error) => error);
         for (const descriptor of held) closeSync(descriptor);
         const image = await openImage(path);
         console.log(JSON.stringify({ code, message, shape: (await image.read([0, 1])).shape.join() }));
         await image.close();
       }`,
      { shell: "ulimit -n 120" },
    );
    expect(lines).toHaveLength(CONTAINERS.length);
    for (const { code, message, shape } of lines) {
      expect(code).toBe("ERR_IO");
      expect(message).toMatch(/EMFILE|too many open files/i);
      expect(shape).toBe("1,1,36,30");
    }
  });
});

test("a process that has been refused everything ends by itself", async () => {
  const { code, stdout, stderr } = await runModule(
    `import { openImage } from "./every-format.mjs";
     for (const path of ${JSON.stringify([scratch.folder, scratch.at("none.nii"), scratch.at("none.zarr"), "/dev/null"])})
       await openImage(path).catch(({ code }) => console.log(code));`,
  );
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  expect(stdout).toBe("ERR_NO_BACKEND\nERR_NOT_FOUND\nERR_NOT_FOUND\nERR_NO_BACKEND\n");
});
