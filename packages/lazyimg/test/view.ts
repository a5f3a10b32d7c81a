import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { type Outcome, start } from "./command.js";

/** `lazyimg view` in a process of its own. */
export interface Viewing {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
  /** The address that it printed. */
  readonly url: string;
  /** Ctrl-C. */
  stop(): Promise<Outcome>;
}

/** @param cwd the folder that it is called in */
export async function view(args: readonly string[], cwd?: string): Promise<Viewing> {
  const { child, outcome } = start(["view", ...args, "--no-open"], cwd);
  const ended = outcome.then(({ stderr }) => {
    throw new Error(`lazyimg view ended: ${stderr}`);
  });
  const [text] = (await Promise.race([once(child.stdout!, "data"), ended])) as [string];
  return {
    child,
    outcome,
    url: text.trim(),
    stop: () => {
      child.kill("SIGINT");
      return outcome;
    },
  };
}
