import { type ChildProcess, spawn } from "node:child_process";

/** What became of a process, and what it said. */
export interface Outcome {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Started {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

/** Listens to a process until it ends. After `hangs` milliseconds, if that is given, it is said to hang, and killed. */
export function outcomeOf(child: ChildProcess, hangs?: number): Promise<Outcome> {
  let stdout = "";
  let stderr = "";
  child.stdout!.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr!.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const watchdog = hangs === undefined ? undefined : setTimeout(() => child.kill("SIGKILL"), hangs);
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code, signal) => {
      clearTimeout(watchdog);
      resolve({ code, signal, stdout, stderr });
    });
  });
}

/** Starts Node as a process of its own, and listens to it until it ends. */
export function startNode(
  args: readonly string[],
  {
    hangs,
    ...options
  }: {
    readonly cwd?: string | undefined;
    readonly env?: NodeJS.ProcessEnv | undefined;
    readonly hangs?: number | undefined;
  } = {},
): Started {
  const child = spawn(process.execPath, args, options);
  return { child, outcome: outcomeOf(child, hangs) };
}
