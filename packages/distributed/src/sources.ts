import type { ImageDataBackend } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";

/** An image that was opened. */
export interface OpenedSource {
  readonly image: ImageDataBackend;
  /** What tells this version of the source from others, such as its size and date: the planner's `sourceId`. */
  readonly id: string;
  close(): Promise<void>;
}

/** Opens an image by its path or URL, with what credentials and backends there are where it runs. */
export type OpenSource = (
  source: string,
  options: { signal?: AbortSignal | undefined },
) => Promise<OpenedSource>;

/** Opens with the backends that are registered, and does not look whether a source was changed. */
export const openBySource: OpenSource = async (source, { signal }) => {
  const image = await openImage(source, { signal });
  return { image: image.dataobj, id: "", close: () => image.close() };
};
