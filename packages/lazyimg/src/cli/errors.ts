import { isLazyImageError } from "@lazyimg/core";

/** The command was called wrongly: exit code 2. */
export class UsageError extends Error {
  readonly code = "ERR_USAGE";
}

/** Somebody pressed Ctrl-C, or asked the process to end. */
export class Interrupted extends Error {
  readonly code = "ERR_INTERRUPTED";
  readonly signal: "SIGINT" | "SIGTERM";
  /** As shells have it: 128 and the signal's number. */
  readonly exitCode: 130 | 143;

  /** @param advice how to go on */
  constructor(signal: "SIGINT" | "SIGTERM", advice?: string) {
    super(`Interrupted by ${signal}.${advice === undefined ? "" : ` ${advice}`}`);
    this.signal = signal;
    this.exitCode = signal === "SIGINT" ? 130 : 143;
  }
}

/** What went wrong, as it is reported. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  readonly exitCode: 1 | 2 | 130 | 143;
}

/** An error as it is reported. One that nobody foresaw keeps its stack, for the report of a bug. */
export function failureOf(error: unknown): Failure {
  if (error instanceof UsageError) return { code: error.code, message: error.message, exitCode: 2 };
  if (error instanceof Interrupted) {
    return { code: error.code, message: error.message, exitCode: error.exitCode };
  }
  if (isLazyImageError(error)) return { code: error.code, message: error.message, exitCode: 1 };
  if (!(error instanceof Error)) return { code: "ERR_INTERNAL", message: String(error), exitCode: 1 };
  // The operating system's: EACCES, ENOSPC, ...
  if ("syscall" in error) return { code: "ERR_IO", message: error.message, exitCode: 1 };
  return { code: "ERR_INTERNAL", message: error.stack ?? error.message, exitCode: 1 };
}
