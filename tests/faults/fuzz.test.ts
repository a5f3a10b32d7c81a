import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { startNode } from "../support/process.js";

/**
 * Damaged files of every format give an image or a LazyImageError, in bounded time and memory; tools/fuzz says how that is
 * checked. Here a fixed seed for a few seconds, or as many as `$LAZYIMG_FUZZ_SECONDS` says, and whatever was found before.
 */

const tool = (name: string): string => fileURLToPath(new URL(`../../tools/fuzz/${name}`, import.meta.url));
const kept = fileURLToPath(new URL("regressions/", import.meta.url));
const seconds = Number(process.env.LAZYIMG_FUZZ_SECONDS ?? 10);

async function run(args: readonly string[], hangs: number): Promise<{ code: number | null; output: string }> {
  const { code, stdout, stderr } = await startNode(args, { hangs }).outcome;
  return { code, output: stdout + stderr };
}

test(
  "damaged files are images or errors",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "lazyimg-fuzz-"));
    const limits = ["--seconds", String(seconds), "--inputs", "1000000"];
    const { code, output } = await run(
      [tool("run.mjs"), "--seed", "20", "--jobs", "1", "--save", folder, ...limits],
      1000 * seconds + 600_000,
    );
    expect(code, output).toBe(0);
    // It tried them, and both things came of it.
    expect(Number(/^(\d+) inputs in/m.exec(output)?.[1]), output).toBeGreaterThan(30);
    expect(output).toMatch(/image \d+/);
    expect(output).toMatch(/ERR_\w+ \d+/);
    rmSync(folder, { recursive: true });
  },
  1000 * seconds + 610_000,
);

test("what damaged files did once, they do no more", async () => {
  const cases = readdirSync(kept).filter((name) => name.endsWith(".json"));
  expect(cases.length).toBeGreaterThan(0);
  const { code, output } = await run([tool("replay.mjs"), ...cases.map((name) => join(kept, name))], 600_000);
  expect(code, output).toBe(0);
}, 610_000);

test("the fuzzer finds what it is there to find", async () => {
  const { code, output } = await run([tool("self-test.mjs")], 600_000);
  expect(code, output).toBe(0);
}, 610_000);
