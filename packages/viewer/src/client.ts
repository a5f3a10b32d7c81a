import { LazyImageError, type Vector3 } from "@lazyimg/core";
import type { Costly, ImageInfo, PlaneData, PlaneRequest, TrafficCounts, VoxelValue } from "./protocol.js";
import { type CallContext, Caller } from "./rpc.js";
import type { ViewerSource } from "./source.js";

const ABORTED = new DOMException("Nobody looks at this plane any more.", "AbortError");

/** An image that is read in a Worker of its own. */
export class ImageClient {
  readonly info: ImageInfo;
  readonly #worker: Worker;
  readonly #calls: Caller;

  private constructor(worker: Worker, calls: Caller, info: ImageInfo) {
    this.#worker = worker;
    this.#calls = calls;
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
    onTraffic: (counts: TrafficCounts) => void,
    signal?: AbortSignal,
  ): Promise<ImageClient> {
    // In this form, bundlers make the Worker a bundle of its own.
    const worker = new Worker(new URL("./worker/image-worker.js", import.meta.url), { type: "module" });
    const calls = new Caller(worker, (counts) => onTraffic(counts as TrafficCounts));
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      const reason = event.message ?? "its script could not be loaded";
      const message = `The viewer's Worker does not run: ${reason}. Check that its script is served, and that the page's Content-Security-Policy allows it (worker-src).`;
      calls.fail(new LazyImageError("ERR_WORKER", message));
    });
    try {
      return new ImageClient(
        worker,
        calls,
        (await calls.call("open", [source], signal ? { signal } : {})) as ImageInfo,
      );
    } catch (error) {
      worker.terminate();
      throw error;
    }
  }

  /** Reads a plane, or tells what it would take where that is more than is read unasked. */
  plane(request: PlaneRequest, context: Partial<CallContext>): Promise<PlaneData | Costly> {
    return this.#calls.call("plane", [request], context) as Promise<PlaneData | Costly>;
  }

  /** Reads a plane that may be wanted next. */
  async warm(request: PlaneRequest, context: Partial<CallContext>): Promise<void> {
    await this.#calls.call("warm", [request], context);
  }

  /** Values of a voxel of the finest level. */
  value(
    voxel: Vector3,
    channel: number | null,
    context: Partial<CallContext>,
  ): Promise<readonly VoxelValue[]> {
    return this.#calls.call("value", [voxel, channel], context) as Promise<readonly VoxelValue[]>;
  }

  /** Ends the Worker, and with it all that it holds. */
  close(): void {
    this.#calls.fail(ABORTED);
    this.#worker.terminate();
  }
}
