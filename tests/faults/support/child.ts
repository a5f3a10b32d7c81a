import { spawn } from "node:child_process";
import { type Outcome, outcomeOf } from "../../support/process.js";

/** Milliseconds after which a process that should have ended is said to hang. */
const HANGS = 240_000;

/**
 * Runs a module in a Node of its own, which has to end by itself: a socket or a timer that is left open keeps it alive.
 *
 * @param how `shell`: a command before it, such as `ulimit -n 40`; `uid`: who runs it
 */
export function runModule(
  script: string,
  how: { readonly shell?: string; readonly uid?: number; readonly hangs?: number } = {},
): Promise<Outcome> {
  const args = ["--unhandled-rejections=strict", "--input-type=module", "-e", script];
  const options = {
    cwd: import.meta.dirname,
    ...(how.uid !== undefined && { uid: how.uid, gid: how.uid }),
  };
  const child =
    how.shell === undefined
      ? spawn(process.execPath, args, options)
      : spawn("sh", ["-c", `${how.shell} && exec "$0" "$@"`, process.execPath, ...args], options);
  return outcomeOf(child, how.hangs ?? HANGS);
}

/** The lines of JSON that a module printed; it must have ended by itself, and in silence. */
export async function runJson<T>(script: string, how?: Parameters<typeof runModule>[1]): Promise<T[]> {
  const { code, signal, stdout, stderr } = await runModule(script, how);
  if (code !== 0 || stderr !== "") {
    throw new Error(`The process ended with ${signal ?? code} and said: ${stderr}${stdout}`);
  }
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as T);
}
