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

export async function view(args: readonly string[]): Promise<Viewing> {
  const { child, outcome } = start(["view", ...args, "--no-open"]);
  const [text] = (await once(child.stdout!, "data")) as [string];
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
