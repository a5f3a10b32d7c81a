import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { encodeNiftiHeader } from "@lazyimg/nifti-header";
import { type Started, startNode } from "../../../tests/support/process.js";
import type { Gate } from "./gate.js";

const ROOT = fileURLToPath(new URL("../../..", import.meta.url));
const script = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** What a worker said of a job. */
interface Report {
  readonly job: string;
  readonly seconds: number;
  readonly error?: { readonly code: string; readonly message: string };
  readonly again?: boolean;
}

export interface WorkerProcess {
  readonly child: ChildProcess;
  readonly reports: Report[];
}

/** How a worker is started. */
interface WorkerSetting {
  readonly modules?: readonly string[];
  /** After so many milliseconds of silence it counts as dead; 30 s by default, which no busy machine takes for silence. */
  readonly lease?: number | undefined;
  /** Whom it asks before it puts chunks in their places. */
  readonly gate?: Gate;
  readonly env?: NodeJS.ProcessEnv;
  /** Modules that it loads first, as they are called at the root of the repository. */
  readonly imports?: readonly string[];
}

/** Arguments of Node that load modules first. */
const importing = (modules: readonly string[] = []): string[] =>
  modules.flatMap((module) => ["--import", module]);

/** A worker as a process of its own, once it is ready. */
export async function startWorker(
  url: string,
  allow: readonly string[],
  { modules = [], lease, gate, env, imports }: WorkerSetting = {},
): Promise<WorkerProcess> {
  const options = JSON.stringify({ allow, lease, modules });
  const words = [...importing(imports), script("worker.mjs"), url, options];
  const child = spawn(process.execPath, words, {
    cwd: ROOT,
    stdio: ["ignore", "pipe", "inherit", ...(gate ? (["ipc"] as const) : [])],
    env: { ...process.env, ...env },
  });
  gate?.admit(child);
  const reports: Report[] = [];
  const ready = new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`a worker ended with ${code}`)));
    createInterface(child.stdout!).on("line", (line) => {
      if (line === "ready") resolve();
      else reports.push(JSON.parse(line) as Report);
    });
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

/** A planner as a process of its own. */
export function startPlanner(
  url: string,
  source: string,
  output: string,
  options: object = {},
  { env, imports }: Pick<WorkerSetting, "env" | "imports"> = {},
): Started {
  const words = [...importing(imports), script("planner.mjs"), url, source, output, JSON.stringify(options)];
  return startNode(words, { cwd: ROOT, env: { ...process.env, ...env } });
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

/** What differs between two directories, or what is in them. */
export function differences(
  found: string | ReadonlyMap<string, Uint8Array>,
  expected: ReadonlyMap<string, Buffer>,
): string[] {
  const files = typeof found === "string" ? tree(found) : found;
  const names = new Set([...files.keys(), ...expected.keys()]);
  return [...names].filter((name) => !(files.get(name) && expected.get(name)?.equals(files.get(name)!)));
}
