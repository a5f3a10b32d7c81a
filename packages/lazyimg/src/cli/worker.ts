import { resolve } from "node:path";
import { type Arguments, JSON_OUTPUT } from "./args.js";
import type { Command, Context } from "./command.js";
import { distributed } from "./distributed.js";
import { open, SOURCE_OPTIONS } from "./open.js";
import { sourceIdOf } from "./source-id.js";

/** Opens what jobs name, with this worker's own headers and plugins. */
function opener(args: Arguments, context: Context) {
  return async (source: string, { signal }: { signal?: AbortSignal | undefined }) => {
    const opened = await open(source, args, { ...context, signal: signal ?? context.signal });
    try {
      const id = await sourceIdOf(source, args, opened, signal);
      return { image: opened.image.dataobj, id, close: () => opened.close() };
    } catch (error) {
      await opened.close();
      throw error;
    }
  };
}

export const worker: Command = {
  summary: "do work that others put on a queue",
  details: `QUEUE is redis://host, or rediss://host with TLS; a password is in it or in REDISCLI_AUTH. Takes pieces of conversions
(lazyimg convert --queue) and of mapRegions, one at a time, until Ctrl-C: what was begun then goes back to the queue. Start
as many as there are processors, on as many machines as you like, that see the same files at the same paths.
Reads and writes what --allow says, and nothing else, whatever is on the queue.`,
  operands: ["QUEUE"],
  options: {
    allow: {
      type: "string",
      multiple: true,
      value: "PREFIX",
      help: "folder or URL to read and write, with what is below; default: the current folder",
    },
    module: {
      type: "string",
      multiple: true,
      value: "FILE",
      help: "run this module's function for mapRegions; default: none",
    },
    ...JSON_OUTPUT,
    ...SOURCE_OPTIONS,
  },
  async run(args, context) {
    const { runWorker } = await distributed();
    const { print, signal } = context;
    const json = args.flag("json");
    const allow = args.list("allow");
    await runWorker(args.operand("QUEUE"), {
      allow: allow.length > 0 ? allow : [process.cwd()],
      modules: args.list("module").map((module) => resolve(module)),
      open: opener(args, context),
      signal,
      onReady() {
        print(
          json
            ? JSON.stringify({ ready: process.pid })
            : `ready: process ${process.pid} takes work until Ctrl-C`,
        );
      },
      onJob(report) {
        if (json) print(JSON.stringify(report));
        else if (report.error !== undefined) {
          const { code, message } = report.error;
          print(`${report.job}: ${message} [${code}]${report.again === true ? ", to be tried again" : ""}`);
        }
      },
    });
    signal.throwIfAborted();
  },
};
