import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Arguments, HELP } from "./args.js";
import type { Context } from "./command.js";
import { COMMANDS } from "./commands.js";
import { failureOf, Interrupted, UsageError } from "./errors.js";
import { Progress } from "./progress.js";
import { printLine } from "./stdout.js";

function version(): string {
  const text = readFileSync(join(__dirname, "../../package.json"), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Aborts when the process is asked to end; asked again, it ends at once. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      const interrupted = new Interrupted(signal);
      if (controller.signal.aborted) process.exit(interrupted.exitCode);
      controller.abort(interrupted);
    });
  }
  return controller.signal;
}

/** Says what went wrong, on standard error, and sets the exit code. */
function report(error: unknown, words: readonly string[]): void {
  const { code, message, exitCode } = failureOf(error);
  process.exitCode = exitCode;
  if (words.includes("--json")) {
    process.stderr.write(`${JSON.stringify({ error: { code, message } })}\n`);
    return;
  }
  const [name] = words;
  const help =
    name !== undefined && Object.hasOwn(COMMANDS, name) ? `lazyimg ${name} --help` : "lazyimg --help";
  process.stderr.write(`lazyimg: ${message} [${code}]\n${exitCode === 2 ? `See ${help}\n` : ""}`);
}

async function run(words: readonly string[], context: Context): Promise<void> {
  const [name, ...rest] = words;
  if (name === "--version" || name === "-v") return context.print(version());
  if (name === "--help" || name === "-h" || name === "help") {
    return context.print(await (await import("./help.js")).programHelp());
  }
  if (name === undefined) throw new UsageError(`Missing command: one of ${Object.keys(COMMANDS).join(", ")}`);
  if (!Object.hasOwn(COMMANDS, name)) {
    throw new UsageError(`No command ${name}; there are ${Object.keys(COMMANDS).join(", ")}`);
  }
  const command = await COMMANDS[name]!();
  const args = Arguments.parse(rest, { ...command, options: { ...command.options, ...HELP } });
  if (args.flag("help")) {
    return context.print(
      (await import("./help.js")).commandHelp(name, { ...command, options: { ...command.options, ...HELP } }),
    );
  }
  await command.run(args, context);
}

/** Runs the command line, and sets the exit code. */
export async function main(words: readonly string[]): Promise<void> {
  // What nobody waited for, in a plugin.
  process.once("uncaughtException", (error) => {
    report(error, words);
    process.exit();
  });
  const signal = interruption();
  const context: Context = {
    signal,
    progress: new Progress(),
    print: printLine,
  };
  try {
    await run(words, context);
  } catch (error) {
    // Whatever an interruption made fail.
    report(signal.aborted && !(error instanceof Interrupted) ? signal.reason : error, words);
  }
}
