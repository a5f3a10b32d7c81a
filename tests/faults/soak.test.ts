import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

/** Mixed reads for a few seconds, or `$LAZYIMG_SOAK_SECONDS`: right voxels, bounded memory, nothing left open. */

const seconds = Number(process.env.LAZYIMG_SOAK_SECONDS ?? 8);
const script = fileURLToPath(new URL("../../tools/fuzz/soak.mjs", import.meta.url));

test(
  "reads go on in bounded memory",
  async () => {
    const args = [script, "--seconds", String(seconds), "--seed", "1"];
    const { stdout } = await promisify(execFile)(process.execPath, args, {
      timeout: 1000 * seconds + 600_000,
    });
    expect(stdout).toMatch(/left: nothing/);
    expect(Number(/(\d+) reads/.exec(stdout)?.[1])).toBeGreaterThan(10);
    // Sixteen containers from disk, from a server and from memory, where there are no folders; a tensor; ITK.
    expect(stdout).toMatch(/ in 49 ways,/);
    expect(Number(/(\d+) aborted/.exec(stdout)?.[1])).toBeGreaterThan(0);
  },
  1000 * seconds + 610_000,
);
