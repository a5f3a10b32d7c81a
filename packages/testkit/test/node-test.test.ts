import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const file = fileURLToPath(new URL("fixtures/conformance.mjs", import.meta.url));

function run(env: Record<string, string>): { status: number | null; output: string } {
  const { NODE_OPTIONS: _, NODE_TEST_CONTEXT: __, ...rest } = process.env;
  const args = ["--test", "--test-reporter=tap", file];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, {
    env: { ...rest, ...env },
    encoding: "utf8",
  });
  return { status, output: stdout + stderr };
}

const count = (output: string, what: string) =>
  Number(new RegExp(`^# ${what} (\\d+)`, "m").exec(output)?.[1]);

test("the suite runs under node:test", () => {
  const { status, output } = run({});
  expect(output).toMatch(/ok \d+ - every kind of index gives that region of the full tensor/);
  expect(count(output, "fail")).toBe(0);
  expect(count(output, "pass")).toBeGreaterThan(30);
  expect(status).toBe(0);
});

test("and fails there, too", () => {
  const { status, output } = run({ OFF_BY_ONE: "1" });
  expect(output).toMatch(/not ok \d+ - every kind of index gives that region of the full tensor/);
  expect(output).toMatch(/ok \d+ - shape is \(C, I, J, K\)/);
  expect(status).toBe(1);
});
