import type { ArgumentSpec, Arguments } from "./args.js";
import type { Progress } from "./progress.js";

/** What a command is given besides its arguments. */
export interface Context {
  /** Aborts when the process is asked to end. */
  readonly signal: AbortSignal;
  readonly progress: Progress;
  /** Writes a line to standard output. */
  print(line: string): void;
}

/** One command: its module exports one of these, and the table in `commands.ts` names the module. */
export interface Command extends ArgumentSpec {
  /** One line for the list of commands. */
  readonly summary: string;
  /** More, for the command's own help. */
  readonly details?: string;
  run(args: Arguments, context: Context): Promise<void>;
}
