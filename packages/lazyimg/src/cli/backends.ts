import { listBackends } from "@lazyimg/core";
import { JSON_OUTPUT } from "./args.js";
import type { Command } from "./command.js";
import { SOURCE_OPTIONS } from "./open.js";

export const backends: Command = {
  summary: "list the backends, in the order in which they are asked",
  operands: [],
  options: { ...JSON_OUTPUT, plugin: SOURCE_OPTIONS.plugin! },
  async run(args, { print }) {
    await import("lazyimg");
    const plugins = args.list("plugin");
    if (plugins.length > 0) await (await import("./plugins.js")).importPlugins(plugins);
    const names = listBackends();
    if (args.flag("json")) print(JSON.stringify({ backends: names }, null, 2));
    else for (const name of names) print(name);
  },
};
