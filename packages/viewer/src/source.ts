/** Where an image is, as it is sent to the Worker that reads it. */
export type ViewerSource =
  | {
      readonly kind: "url";
      /** Absolute, or relative to the page. */
      readonly url: string;
      /** Sent with every request, such as `Authorization`. */
      readonly headers?: Readonly<Record<string, string>> | undefined;
    }
  | {
      readonly kind: "file";
      readonly name: string;
      /** The file called `name`, and what was given with it: the other half of a pair, a sidecar. */
      readonly files: ReadonlyMap<string, Blob>;
    }
  | {
      readonly kind: "zarr";
      readonly name: string;
      /** The files of a Zarr hierarchy, by their paths below its root. */
      readonly files: ReadonlyMap<string, Blob>;
    };

/** What opens a source: a URL by its text or with headers, files as they are dropped or chosen. */
export type Openable = string | URL | Blob | ViewerSource;

/** How images are opened, besides where they are. */
export interface OpenOptions {
  /** URLs of modules that register backends, imported in the Worker before anything is opened. */
  readonly plugins: readonly string[];
  /** Given to the backend; a clone goes to the Worker. */
  readonly readerOptions: Readonly<Record<string, unknown>>;
}

/** @param base what relative URLs are relative to */
export function sourceOf(source: Openable, base: string): ViewerSource {
  if (typeof source === "string" || source instanceof URL) {
    return { kind: "url", url: new URL(source, base).href };
  }
  if (source instanceof Blob) {
    const name = (source as Partial<File>).name ?? "image";
    return { kind: "file", name, files: new Map([[name, source]]) };
  }
  return source.kind === "url" ? { ...source, url: new URL(source.url, base).href } : source;
}

/** The name that is shown for a source. */
export function nameOf(source: ViewerSource): string {
  if (source.kind !== "url") return source.name;
  const path = new URL(source.url).pathname.replace(/\/+$/, "");
  return decodeURIComponent(path.slice(path.lastIndexOf("/") + 1)) || source.url;
}
