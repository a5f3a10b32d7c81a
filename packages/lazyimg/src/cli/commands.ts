import type { Command } from "./command.js";

/** The commands, in the order of the help. Each is loaded when it is asked for. */
export const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  info: async () => (await import("./info.js")).info,
  read: async () => (await import("./read.js")).read,
  convert: async () => (await import("./convert.js")).convert,
  worker: async () => (await import("./worker.js")).worker,
  view: async () => (await import("./view.js")).view,
  preview: async () => (await import("./preview.js")).preview,
  index: async () => (await import("./index-command.js")).index,
  backends: async () => (await import("./backends.js")).backends,
};
