import { nifti } from "@lazyimg/backend-nifti/backend";
import { openSibling, openSource } from "@lazyimg/byte-source";
import {
  type BackendDescriptor,
  type BackendFactory,
  type BackendRequest,
  isLazyImageError,
  LazyImageError,
  listBackends,
  registerBackend,
} from "@lazyimg/core";
import { type Image, openImage } from "@lazyimg/image";
import type { Arguments, OptionSpec } from "./args.js";
import type { Context } from "./command.js";
import { UsageError } from "./errors.js";
import { Traffic } from "./traffic.js";

/** Options of every command that opens an image. */
export const SOURCE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  header: {
    type: "string",
    multiple: true,
    value: '"NAME: VALUE"',
    help: "send this header with HTTP requests",
  },
  plugin: {
    type: "string",
    multiple: true,
    value: "PACKAGE",
    help: "import this backend first, from the current folder",
  },
};

/** An image, and what is known about how it was opened. */
export interface Opened {
  readonly image: Image;
  /** Name of the backend that opened it; `null` where several could have. */
  readonly backend: string | null;
  readonly traffic: Traffic;
  /** Whether `traffic` sees what this backend reads. */
  readonly counted: boolean;
  close(): Promise<void>;
}

const isRemote = (source: string): boolean => /^https?:/i.test(source);

/** The headers of `--header`. */
export function headersOf(args: Arguments): [name: string, value: string][] {
  return args.list("header").map((text) => {
    const [, name, value] = /^([!#$%&'*+.^_`|~\w-]+):\s*(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined || /[\r\n\0]/.test(value)) {
      throw new UsageError(`--header is "NAME: VALUE", not ${JSON.stringify(text)}`);
    }
    return [name, value];
  });
}

/**
 * The same request, read through `traffic`. It has a path and a byte source: messages name the one, reads go to the other.
 */
function counted(request: BackendRequest, traffic: Traffic, signal: AbortSignal | undefined): BackendRequest {
  return Object.freeze({
    ...request,
    byteSource: traffic.source(openSource(request)),
    async sibling(name: string) {
      const source = await openSibling(request, name, { signal });
      return source && traffic.source(source);
    },
    toJSON: () => request.toJSON(),
  });
}

/**
 * Opens the image that a command is about. Reads its header and nothing else.
 *
 * NIfTI is tried first, by itself: most images are, and loading the other formats takes longer than opening one.
 */
export function open(source: string, args: Arguments, context: Context): Promise<Opened> {
  // One after the other: backends are registered for each image anew, to see who opens it.
  const opening = turn.then(() => openNext(source, args, context));
  turn = opening.catch(() => {});
  return opening;
}

let turn: Promise<unknown> = Promise.resolve();

async function openNext(source: string, args: Arguments, { signal, progress }: Context): Promise<Opened> {
  const traffic = new Traffic();
  const headers = headersOf(args);
  const plugins = args.list("plugin");
  let openedBy: string | null = null;
  let added: readonly string[] = [];

  /** The registry does not tell who opened an image, and so the backends do. */
  const register = ({ name, matches, open }: BackendDescriptor): void => {
    const opening: BackendFactory = async (request, options) => {
      const backend = await open(request, options);
      if (backend !== null) openedBy = name;
      return backend;
    };
    registerBackend(name, matches, opening, { prepend: false });
  };
  const registerNifti = (): void => {
    register({
      ...nifti,
      open: (request, options) =>
        nifti.open(isRemote(source) ? request : counted(request, traffic, options.signal), options),
    });
  };
  const registerAll = async (): Promise<void> => {
    await import("lazyimg");
    const { niftiZarr, remoteZarr, zarrStore } = await import("@lazyimg/backend-zarr");
    for (const backend of [remoteZarr, zarrStore, niftiZarr]) register(backend);
    registerNifti();
    if (plugins.length === 0) return;
    const builtIn = new Set(listBackends());
    await (await import("./plugins.js")).importPlugins(plugins);
    added = listBackends().filter((name) => !builtIn.has(name));
  };

  // Transports of other schemes bring a fetch of their own, which signs.
  const fetch = isRemote(source) ? traffic.fetch(headers) : undefined;
  const request = () => openImage(source, { fetch, signal });
  const attempt = async (): Promise<Image> => {
    if (plugins.length === 0) {
      registerNifti();
      try {
        return await request();
      } catch (error) {
        if (!isLazyImageError(error, "ERR_NO_BACKEND")) throw error;
      }
    }
    await registerAll();
    return request().catch((error: unknown) => {
      if (!isLazyImageError(error, "ERR_NO_BACKEND")) throw error;
      throw new LazyImageError(error.code, `${error.message} Here, --plugin PACKAGE imports one.`);
    });
  };
  const image = await progress.during("opening", traffic, attempt);
  return {
    image,
    backend: openedBy ?? (added.length === 1 ? added[0]! : null),
    traffic,
    counted: isRemote(source) || openedBy === nifti.name,
    async close() {
      await image.close();
      await traffic.close();
    },
  };
}
