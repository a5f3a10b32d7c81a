import type { Command } from "./command.js";
import { COMMANDS } from "./commands.js";

const columns = (rows: readonly (readonly [string, string])[]): string => {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n");
};

/** The help of the whole program. */
export async function programHelp(): Promise<string> {
  const rows = await Promise.all(
    Object.entries(COMMANDS).map(async ([name, load]) => [name, (await load()).summary] as const),
  );
  return `Usage: lazyimg COMMAND [options]

Looks into volumetric images without reading all of them.

Commands:
${columns(rows)}

Options:
${columns([
  ["-h, --help", "show this help; of a command: lazyimg COMMAND --help"],
  ["-v, --version", "show the version"],
])}

SRC is a path or an http(s) URL.
Exit codes: 0 done, 1 failed, 2 called wrongly, 130 interrupted.`;
}

/** The help of one command. */
export function commandHelp(name: string, { summary, details, operands, options }: Command): string {
  const rows = Object.entries(options).map(([long, { short, value, multiple, help }]) => {
    const left = `${short === undefined ? "    " : `-${short}, `}--${long}${value === undefined ? "" : ` ${value}`}`;
    return [left, multiple ? `${help}; may be repeated` : help] as const;
  });
  return [
    `Usage: lazyimg ${[name, ...operands].join(" ")} [options]`,
    summary,
    ...(details === undefined ? [] : [details]),
    `Options:\n${columns(rows)}`,
  ].join("\n\n");
}
