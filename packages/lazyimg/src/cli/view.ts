import { once } from "node:events";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { LazyImageError } from "@lazyimg/core";
import type { Command } from "./command.js";
import { UsageError } from "./errors.js";
import { headersOf, SOURCE_OPTIONS } from "./open.js";
import { bundlePlugins } from "./view-plugins.js";
import { viewServer } from "./view-server.js";

const isRemote = (source: string): boolean => /^https?:/i.test(source);

/** Headers that browsers let no page set: what the Fetch standard calls forbidden request-headers. */
const FORBIDDEN =
  /^(accept-(charset|encoding)|access-control-request-.*|connection|content-length|cookie2?|date|dnt|expect|host|keep-alive|origin|referer|set-cookie|te|trailer|transfer-encoding|upgrade|via|(proxy|sec)-.*)$/i;

/** The headers of `--header`, for the one server that they are meant for: a secret is told to no other. */
function headersFor(origin: string | undefined, headers: ReturnType<typeof headersOf>) {
  const forbidden = headers.find(([name]) => FORBIDDEN.test(name));
  if (forbidden !== undefined) {
    throw new UsageError(
      `--header ${forbidden[0]}: browsers let no page send it. Give one such as Authorization, or view a copy of the file`,
    );
  }
  return origin === undefined || headers.length === 0 ? undefined : { [origin]: Object.fromEntries(headers) };
}

/** The folder of the viewer's page. */
function pageFolder(): string {
  const manifest = createRequire(__filename).resolve("@lazyimg/viewer/package.json");
  return join(dirname(manifest), "dist", "page");
}

/** A path without a scheme or slashes at its end. */
function pathOf(source: string): string {
  const path = (/^file:/i.test(source) ? fileURLToPath(source) : source).replace(/(?<=.)[/\\]+$/, "");
  if (existsSync(path)) return path;
  const [, scheme] = /^([a-z][a-z0-9+.-]+):\/\//i.exec(source) ?? [];
  if (scheme !== undefined && !/^file$/i.test(scheme)) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `The viewer's page reads no ${scheme}: addresses, for which it has no credentials. Give a presigned https URL, or view a copy.`,
    );
  }
  throw new LazyImageError("ERR_NOT_FOUND", `There is no file ${basename(path)} at ${path}; check the path.`);
}

export const view: Command = {
  summary: "show an image in the browser, reading what is looked at",
  details: `Serves the viewer and SRC to this machine alone, at an address with a token, until Ctrl-C. A URL is read by the page
itself, and so its server must let other origins read it (CORS). Headers are kept out of the address, and go to the server
of SRC alone (of LABELS, where SRC is a file). Plugins are bundled for the page.`,
  operands: ["SRC"],
  options: {
    overlay: { type: "string", value: "LABELS", help: "lay this image of labels over it" },
    header: SOURCE_OPTIONS.header!,
    plugin: {
      ...SOURCE_OPTIONS.plugin!,
      help: "have the page load this backend first, from the current folder; it must run in browsers",
    },
    port: { type: "string", value: "N", help: "listen on this port; default: one that is free" },
    "no-open": { type: "boolean", help: "print the address, and open no browser" },
  },
  async run(args, { signal, print }) {
    const overlay = args.text("overlay");
    const asked = { src: args.operand("SRC"), ...(overlay !== undefined && { overlay }) };
    const port = args.wholeNumber("port", 0, 65_535);
    const local = Object.entries(asked).filter(([, source]) => !isRemote(source));
    const origins = Object.values(asked)
      .filter(isRemote)
      .map((source) => new URL(source).origin);
    const headers = headersFor(origins[0], headersOf(args));
    const plugins = await bundlePlugins(args.list("plugin"));
    const server = await viewServer({
      page: pageFolder(),
      sources: local.map(([, source]) => pathOf(source)),
      origins,
      ...(headers && { headers }),
      plugins,
      port,
    });
    const query = new URLSearchParams({
      ...asked,
      ...(headers && { headers: "" }),
      ...(plugins.length > 0 && { plugins: "" }),
    });
    for (const [n, [name]] of local.entries()) query.set(name, server.sources[n]!);
    const address = `${server.url}?${query}`;
    try {
      print(address);
      if (!args.flag("no-open")) await (await import("open")).default(address);
      if (!signal.aborted) await once(signal, "abort");
    } finally {
      await server.close();
    }
  },
};
