import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { encodeNiftiHeader } from "@lazyimg/nifti-header";

const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** After so many milliseconds of silence, the workers of these tests count as dead. */
export const LEASE = 1000;

export interface WorkerProcess {
  readonly child: ChildProcess;
  /** What it said of its jobs. */
  readonly reports: {
    job: string;
    seconds: number;
    error?: { code: string; message: string };
    again?: boolean;
  }[];
}

/** A worker as a process of its own, once it is ready. */
export async function startWorker(
  url: string,
  allow: readonly string[],
  more: { modules?: readonly string[]; env?: NodeJS.ProcessEnv } = {},
): Promise<WorkerProcess> {
  const options = JSON.stringify({ allow, lease: LEASE, modules: more.modules ?? [] });
  const child = spawn(process.execPath, [script("worker.mjs"), url, options], {
    stdio: ["ignore", "pipe", "inherit"],
    env: { ...process.env, ...more.env },
  });
  const reports: WorkerProcess["reports"] = [];
  let rest = "";
  let tellReady = (): void => {};
  const ready = new Promise<void>((resolve, reject) => {
    tellReady = resolve;
    child.once("exit", (code) => reject(new Error(`a worker ended with ${code}`)));
  });
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      if (line === "ready") tellReady();
      else reports.push(JSON.parse(line) as WorkerProcess["reports"][number]);
    }
  });
  await ready;
  return { child, reports };
}

export async function kill(child: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill(signal);
  await exit;
}

export interface Planning {
  readonly child: ChildProcess;
  readonly outcome: Promise<{ code: number | null; stdout: string; stderr: string }>;
}

/** A planner as a process of its own. */
export function startPlanner(
  url: string,
  source: string,
  output: string,
  options: object = {},
  env: NodeJS.ProcessEnv = {},
): Planning {
  const words = [script("planner.mjs"), url, source, output, JSON.stringify(options)];
  const child = spawn(process.execPath, words, { env: { ...process.env, ...env } });
  let stdout = "";
  let stderr = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text;
  });
  const outcome = once(child, "close").then(([code]) => ({ code: code as number | null, stdout, stderr }));
  return { child, outcome };
}

/** A NIfTI file of noise, which does not compress. */
export function writeNoise(path: string, [i, j, k]: readonly [number, number, number], frames = 1): void {
  const header = encodeNiftiHeader({
    shape: [frames, i, j, k],
    dtype: "int16",
    affine: [2, 0, 0, -9, 0, 2, 0, -8, 0, 0, 3, -7, 0, 0, 0, 1],
  });
  let state = 1;
  const voxels = Int16Array.from({ length: frames * i * j * k }, () => {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    return state >> 16;
  });
  writeFileSync(path, Buffer.concat([header, new Uint8Array(voxels.buffer)]));
}

/** Every file below a directory, by its path in it. */
export function tree(root: string): Map<string, Buffer> {
  const paths = readdirSync(root, { recursive: true, encoding: "utf8" });
  const files = paths.filter((path) => statSync(join(root, path)).isFile()).sort();
  return new Map(files.map((path) => [path, readFileSync(join(root, path))]));
}

/** What differs between two directories. */
export function differences(found: string, expected: ReadonlyMap<string, Buffer>): string[] {
  const files = tree(found);
  const names = new Set([...files.keys(), ...expected.keys()]);
  return [...names].filter((name) => !(files.get(name) && expected.get(name)?.equals(files.get(name)!)));
}
