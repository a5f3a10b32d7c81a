import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PRELOAD = new URL("signal-at.mjs", import.meta.url).href;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[], plan: object): Promise<Ended> {
  const env = { ...process.env, SIGNAL_AT: JSON.stringify(plan) };
  const child = spawn(process.execPath, ["--import", PRELOAD, ...args], { env });
  let [stdout, stderr] = ["", ""];
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** Runs a script of Node, which is sent a signal as it makes its `change`-th change to the file system, from 1. */
export const signalAt = (change: number, signal: NodeJS.Signals, args: readonly string[]): Promise<Ended> =>
  run(args, { change, signal });

/** Runs a script of Node, and says how many changes it made to the file system. */
export async function countChanges(args: readonly string[]): Promise<Ended & { readonly changes: number }> {
  const folder = mkdtempSync(join(tmpdir(), "lazyimg-changes-"));
  try {
    const count = join(folder, "count");
    const ended = await run(args, { count });
    return { ...ended, changes: Number(readFileSync(count, "utf8")) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
