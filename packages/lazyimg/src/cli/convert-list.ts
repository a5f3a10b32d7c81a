import { readFile } from "node:fs/promises";
import { openSource } from "@lazyimg/byte-source";
import { LazyImageError } from "@lazyimg/core";
import type { Arguments } from "./args.js";
import type { Context } from "./command.js";
import { checkOutput, convertOne, type Writer, type Writing } from "./convert-one.js";
import { failureOf, UsageError } from "./errors.js";
import { isRemote, isZarr, stampOf } from "./source-id.js";

type Pair = Pick<Writing, "source" | "output">;

/** Files that are under way at a time, where others do the work. */
const AT_A_TIME = 16;

/** Each of many says nothing of its own. */
const QUIET: Context["progress"] = { during: (_what, _traffic, work) => work(() => {}) };

/** @throws UsageError for a line that is not two names with a tab between, or an OUT that comes twice or cannot be */
function pairsOf(text: string, list: string, args: Arguments): Pair[] {
  const outputs = new Set<string>();
  return text
    .split(/\r?\n/)
    .map((line, n) => ({ line, n: n + 1 }))
    .filter(({ line }) => line.trim() !== "" && !line.startsWith("#"))
    .map(({ line, n }) => {
      const [source, output, ...more] = line.split("\t");
      if (!source || !output || more.length > 0) {
        throw new UsageError(`Line ${n} of ${list} is not IN, a tab and OUT`);
      }
      checkOutput(output, args);
      const place = output.replace(/[/\\]+$/, "");
      if (outputs.has(place)) throw new UsageError(`${output} comes twice in ${list}`);
      outputs.add(place);
      return { source, output };
    });
}

/** Whether there is something at an output: it is complete, then. */
async function isThere(output: string, { signal }: Context): Promise<boolean> {
  if (!isRemote(output)) return (await stampOf(output)) !== undefined;
  for (const root of isZarr(output) ? ["/zarr.json", "/.zgroup"] : [""]) {
    const file = openSource({ path: output.replace(/\/+$/, "") + root });
    const found = await file.read(0, 1, { signal }).catch(() => undefined);
    await file.close?.();
    if (found !== undefined) return true;
  }
  return false;
}

/**
 * Converts the images of a list: those that fail are told, and the others done all the same. With `--resume` what is
 * there already is not done again.
 *
 * @throws LazyImageError `ERR_PIECES` at the end, where some failed
 */
export async function convertList(
  list: string,
  write: Writer,
  args: Arguments,
  context: Context,
): Promise<void> {
  const { signal, print, progress } = context;
  const text = await readFile(list, "utf8").catch((cause: unknown) => {
    throw new LazyImageError("ERR_IO", `Cannot read the list ${list}: ${(cause as Error).message}`, {
      cause,
    });
  });
  const pairs = pairsOf(text, list, args);
  const isShared = args.text("queue") !== undefined;
  const json = args.flag("json");
  let done = 0;
  let failed = 0;
  const left = pairs.values();
  const quiet: Context = { ...context, progress: isShared ? QUIET : progress };
  const lane = async (report: () => void): Promise<void> => {
    for (const pair of left) {
      signal.throwIfAborted();
      try {
        if (args.flag("resume") && !args.flag("force") && (await isThere(pair.output, context))) {
          print(json ? JSON.stringify({ ...pair, existed: true }) : `${pair.output}: is there`);
        } else {
          const told = await convertOne(pair, write, args, quiet);
          print(json ? JSON.stringify(told) : `${told.output}: (${told.shape.join(", ")}) ${told.dtype}`);
        }
      } catch (error) {
        if (signal.aborted) throw error;
        const { code, message } = failureOf(error);
        failed++;
        print(
          json
            ? JSON.stringify({ ...pair, error: { code, message } })
            : `${pair.source}: ${message} [${code}]`,
        );
      }
      done++;
      report();
    }
  };
  const all = async (report: () => void): Promise<void> => {
    const lanes = Array.from({ length: isShared ? AT_A_TIME : 1 }, () => lane(report));
    const ends = await Promise.allSettled(lanes);
    const end = ends.find(({ status }) => status === "rejected") as PromiseRejectedResult | undefined;
    if (end !== undefined) throw end.reason;
  };
  if (isShared) {
    const { Traffic } = await import("./traffic.js");
    await progress.during("converting files", new Traffic(), (report) =>
      all(() => report({ bytes: done, totalBytes: pairs.length })),
    );
  } else await all(() => {});
  if (failed > 0) throw new LazyImageError("ERR_PIECES", `${failed} of ${pairs.length} files failed`);
}
