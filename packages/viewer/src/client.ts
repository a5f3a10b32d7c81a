import { LazyImageError, type Vector3 } from "@lazyimg/core";
import { type CallOptions, Link } from "@lazyimg/worker-link";
import type { Costly, ImageInfo, PlaneData, PlaneRequest, TrafficCounts, VoxelValue } from "./protocol.js";
import type { OpenOptions, ViewerSource } from "./source.js";

const ABORTED = new DOMException("Nobody looks at this plane any more.", "AbortError");

/** An image that is read in a Worker of its own. */
export class ImageClient {
  readonly info: ImageInfo;
  readonly #worker: Worker;
  readonly #link: Link;

  private constructor(worker: Worker, link: Link, info: ImageInfo) {
    this.#worker = worker;
    this.#link = link;
    this.info = info;
  }

  /**
   * Opens an image: reads its header.
   *
   * @param onTraffic told what has been read, now and then
   * @throws LazyImageError what opening throws, and `ERR_WORKER` where the Worker cannot run
   */
  static async open(
    source: ViewerSource,
    options: OpenOptions,
    onTraffic: (counts: TrafficCounts) => void,
    signal?: AbortSignal,
  ): Promise<ImageClient> {
    // In this form, bundlers make the Worker a bundle of its own.
    const worker = new Worker(new URL("./worker/image-worker.js", import.meta.url), { type: "module" });
    const link = new Link(worker, { traffic: async ([counts]) => onTraffic(counts as TrafficCounts) });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      const reason = event.message ?? "its script could not be loaded";
      const message = `The viewer's Worker does not run: ${reason}. Check that its script is served, and that the page's Content-Security-Policy allows it (worker-src).`;
      link.close(new LazyImageError("ERR_WORKER", message));
    });
    try {
      return new ImageClient(
        worker,
        link,
        (await link.call("open", [source, options], { signal })) as ImageInfo,
      );
    } catch (error) {
      worker.terminate();
      throw error;
    }
  }

  /** Reads a plane, or tells what it would take where that is more than is read unasked. */
  plane(request: PlaneRequest, options: CallOptions): Promise<PlaneData | Costly> {
    return this.#link.call("plane", [request], options) as Promise<PlaneData | Costly>;
  }

  /** Reads a plane that may be wanted next. */
  async warm(request: PlaneRequest, options: CallOptions): Promise<void> {
    await this.#link.call("warm", [request], options);
  }

  /** Values of a voxel of the finest level. */
  value(voxel: Vector3, channel: number | null, options: CallOptions): Promise<readonly VoxelValue[]> {
    return this.#link.call("value", [voxel, channel], options) as Promise<readonly VoxelValue[]>;
  }

  /** Ends the Worker, and with it all that it holds. */
  close(): void {
    this.#link.close(ABORTED);
    this.#worker.terminate();
  }
}
