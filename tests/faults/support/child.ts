import { type ChildProcess, spawn } from "node:child_process";

/** What became of a process. */
export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

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
): Promise<Ended> {
  const args = ["--unhandled-rejections=strict", "--input-type=module", "-e", script];
  const options = {
    cwd: import.meta.dirname,
    ...(how.uid !== undefined && { uid: how.uid, gid: how.uid }),
  };
  const child: ChildProcess =
    how.shell === undefined
      ? spawn(process.execPath, args, options)
      : spawn("sh", ["-c", `${how.shell} && exec "$0" "$@"`, process.execPath, ...args], options);
  let stdout = "";
  let stderr = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const watchdog = setTimeout(() => child.kill("SIGKILL"), how.hangs ?? HANGS);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(watchdog);
      resolve({ code, signal, stdout, stderr });
    });
  });
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
