import { type ParseArgsConfig, parseArgs } from "node:util";
import { UsageError } from "./errors.js";

/** One option of a command. */
export interface OptionSpec {
  readonly type: "string" | "boolean";
  readonly short?: string;
  /** May be given more than once. */
  readonly multiple?: boolean;
  /** What stands for the value in the help: `FILE`. */
  readonly value?: string;
  readonly help: string;
}

/** What a command takes. */
export interface ArgumentSpec {
  /** Names of the operands, all required: `["SRC"]`. */
  readonly operands: readonly string[];
  /** The option that takes the place of the operands. */
  readonly operandsUnless?: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
}

export const HELP: Readonly<Record<string, OptionSpec>> = {
  help: { type: "boolean", short: "h", help: "show this help" },
};

export const JSON_OUTPUT: Readonly<Record<string, OptionSpec>> = {
  json: { type: "boolean", help: "print JSON; errors too, on standard error" },
};

/** What is asked for on the command line, by the names in its `ArgumentSpec`. */
export class Arguments {
  readonly #operands: Readonly<Record<string, string>>;
  readonly #values: Readonly<Record<string, unknown>>;

  private constructor(operands: Readonly<Record<string, string>>, values: Readonly<Record<string, unknown>>) {
    this.#operands = operands;
    this.#values = values;
  }

  /** @throws UsageError where the words do not fit the specification */
  static parse(
    words: readonly string[],
    { operands: usual, operandsUnless, options }: ArgumentSpec,
  ): Arguments {
    const config: ParseArgsConfig = {
      args: joinNegative(words, options),
      options: Object.fromEntries(
        Object.entries(options).map(([name, { type, short, multiple = false }]) => [
          name,
          { type, multiple, ...(short !== undefined && { short }) },
        ]),
      ),
      allowPositionals: true,
    };
    let parsed: ReturnType<typeof parseArgs>;
    try {
      parsed = parseArgs(config);
    } catch (error) {
      // "Unknown option '--x'. To specify a positional argument ...": the first sentence says it.
      throw new UsageError((error as Error).message.split(/\. |\n/)[0]!.replace(/\.$/, ""));
    }
    const { positionals, values } = parsed;
    const operands = operandsUnless !== undefined && values[operandsUnless] !== undefined ? [] : usual;
    if (values.help !== true) {
      const missing = operands.slice(positionals.length);
      if (missing.length > 0) throw new UsageError(`Missing ${missing.join(" ")}`);
      const extra = positionals.slice(operands.length);
      if (extra.length > 0)
        throw new UsageError(`Too many arguments: ${extra.join(" ")} (quote names that have spaces)`);
    }
    return new Arguments(Object.fromEntries(operands.map((name, n) => [name, positionals[n] ?? ""])), values);
  }

  operand(name: string): string {
    return this.#operands[name]!;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    return this.#values[name] as string | undefined;
  }

  list(name: string): readonly string[] {
    return (this.#values[name] as readonly string[] | undefined) ?? [];
  }

  /** @throws UsageError when the option was not given */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw new UsageError(`Missing --${name}`);
    return value;
  }

  /** @throws UsageError unless the value is a whole number from `least` to `most` */
  wholeNumber(name: string, least: number, most: number): number | undefined {
    const value = this.text(name);
    if (value === undefined) return undefined;
    const number = /^\d+$/.test(value) ? Number(value) : Number.NaN;
    if (!(number >= least && number <= most)) {
      throw new UsageError(`--${name} is a whole number from ${least} to ${most}, not ${value}`);
    }
    return number;
  }
}

/** `--index -1,:` as `--index=-1,:`, because `parseArgs` takes a value that begins with a dash for an option. */
function joinNegative(words: readonly string[], options: ArgumentSpec["options"]): string[] {
  const joined: string[] = [];
  for (let n = 0; n < words.length; n++) {
    const word = words[n]!;
    const next = words[n + 1];
    if (word === "--") return [...joined, ...words.slice(n)];
    const takesValue = word.startsWith("--") && options[word.slice(2)]?.type === "string";
    if (takesValue && next !== undefined && /^-\d/.test(next)) {
      joined.push(`${word}=${next}`);
      n++;
    } else {
      joined.push(word);
    }
  }
  return joined;
}
