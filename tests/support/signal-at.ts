import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Outcome, startNode } from "./process.js";

const PRELOAD = new URL("signal-at.mjs", import.meta.url).href;

const run = (args: readonly string[], plan: object): Promise<Outcome> =>
  startNode(["--import", PRELOAD, ...args], { env: { ...process.env, SIGNAL_AT: JSON.stringify(plan) } })
    .outcome;

/** Runs a script of Node, which is sent a signal as it makes its `change`-th change to the file system, from 1. */
export const signalAt = (change: number, signal: NodeJS.Signals, args: readonly string[]): Promise<Outcome> =>
  run(args, { change, signal });

/** Runs a script of Node, and says how many changes it made to the file system. */
export async function countChanges(args: readonly string[]): Promise<Outcome & { readonly changes: number }> {
  const folder = mkdtempSync(join(tmpdir(), "lazyimg-changes-"));
  try {
    const count = join(folder, "count");
    const ended = await run(args, { count });
    return { ...ended, changes: Number(readFileSync(count, "utf8")) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
