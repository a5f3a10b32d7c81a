import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openImage } from "lazyimg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { runJson } from "./support/child.js";
import { makeSample, type Sample, Scratch, writeSample } from "./support/sample.js";

/** A disk that fills while an image is written: an error, nothing half written, and what was there before stays. */

const scratch = new Scratch();
const full = scratch.at("full");

/** A disk of 100 kB, where this may be mounted. */
function mount(): boolean {
  mkdirSync(full, { recursive: true });
  try {
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=100k", "tmpfs", full], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const mounted = process.platform === "linux" && process.getuid?.() === 0 && mount();
let sample: Sample;

beforeAll(async () => {
  sample = await makeSample([2, 64, 64, 40]);
  await writeSample(sample, scratch.at("good"));
});
afterAll(() => {
  if (mounted) execFileSync("umount", [full]);
  scratch.remove();
});

const NAMES = ["new.nii", "new.nii.gz", "new.zarr"] as const;

describe.skipIf(!mounted)("a full disk", () => {
  test.each(NAMES)("image.save to %s is ERR_IO and leaves nothing", async (name) => {
    const image = await openImage(scratch.at("good", "scan.nii"));
    const error = (await image.save(`${full}/${name}`).catch((reason: unknown) => reason)) as Error;
    expect(error).toMatchObject({ name: "LazyImageError", code: "ERR_IO" });
    expect(error.message).toMatch(/ENOSPC|no space/i);
    expect(readdirSync(full)).toEqual([]);
    await image.close();
  });

  test.each(NAMES.slice(0, 2))("what was at %s stays as it was", async (name) => {
    writeFileSync(`${full}/${name}`, "before");
    const image = await openImage(scratch.at("good", "scan.nii"));
    await expect(image.save(`${full}/${name}`)).rejects.toMatchObject({ code: "ERR_IO" });
    expect(readFileSync(`${full}/${name}`, "utf8")).toBe("before");
    expect(readdirSync(full)).toEqual([name]);
    execFileSync("rm", [`${full}/${name}`]);
    await image.close();
  });

  test.each(NAMES)("lazyimg convert to %s says so, and ends with an error", (name) => {
    const bin = fileURLToPath(new URL("../../packages/lazyimg/bin/lazyimg.cjs", import.meta.url));
    let said = { status: 0, stderr: "" };
    try {
      execFileSync(process.execPath, [bin, "convert", scratch.at("good", "scan.nii"), `${full}/${name}`], {
        encoding: "utf8",
        stdio: "pipe",
      });
    } catch (error) {
      said = error as typeof said;
    }
    expect(said.status).toBe(1);
    expect(said.stderr).toMatch(/ERR_IO/);
    expect(readdirSync(full)).toEqual([]);
  });
});

/** Without a disk of one's own: no file may grow beyond 40 kB (RLIMIT_FSIZE), which fails a write with EFBIG. */
test.skipIf(process.platform === "win32")(
  "a file that may not grow is ERR_IO and leaves nothing",
  async () => {
    mkdirSync(scratch.at("limited"));
    const lines = await runJson<{ code: string; left: string[] }>(
      `import { readdirSync } from "node:fs";
     import { openImage } from "lazyimg";
     process.on("SIGXFSZ", () => {});
     const image = await openImage(${JSON.stringify(scratch.at("good", "scan.nii"))});
     for (const name of ["new.nii", "new.nii.gz"]) {
       const { code } = await image.save(${JSON.stringify(`${scratch.at("limited")}/`)} + name).then(() => ({}), (error) => error);
       console.log(JSON.stringify({ code, left: readdirSync(${JSON.stringify(scratch.at("limited"))}) }));
     }`,
      { shell: "ulimit -f 80" },
    );
    expect(lines).toEqual([
      { code: "ERR_IO", left: [] },
      { code: "ERR_IO", left: [] },
    ]);
  },
);
