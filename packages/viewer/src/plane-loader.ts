import type { Progress } from "@lazyimg/worker-link";
import type { ImageClient } from "./client.js";
import type { PlaneGrid } from "./geometry.js";
import type { Costly, PlaneData, PlaneRequest } from "./protocol.js";

/** A plane to be shown: what to ask for, and where its picture lies. */
export interface PlaneWish {
  /** Equal for planes with the same values. */
  readonly key: string;
  readonly request: PlaneRequest;
  readonly rectangle: PlaneGrid["rectangle"];
}

/** A plane that was read. */
export interface Picture extends PlaneWish {
  readonly plane: PlaneData;
}

/** What a plane waits for. */
export type Waiting =
  | { readonly kind: "nothing" }
  | { readonly kind: "reading" | "refining"; readonly progress: Progress | null }
  | { readonly kind: "costly"; readonly bytes: number }
  | { readonly kind: "failed"; readonly error: unknown };

/** A plane on its way. */
interface Running {
  readonly request: PlaneRequest;
  readonly controller: AbortController;
  /** Whether some of it was read. */
  isSeen: boolean;
}

const STALE = new DOMException("Another plane is wanted by now.", "AbortError");
/** A stale plane may still be shown where nothing was for this long, so that fast scrolling is seen; milliseconds. */
const PATIENCE = 250;

/**
 * Shows one plane of one image after the other: the newest wish counts, what is stale is aborted, and where a coarse
 * plane comes first it is shown meanwhile.
 */
export class PlaneLoader {
  readonly #client: ImageClient;
  readonly #changed: (loader: PlaneLoader) => void;
  readonly #running = new Map<string, Running>();
  #wanted: string | null = null;
  #ahead: AbortController | null = null;
  #shownAt = 0;
  #picture: Picture | null = null;
  #waiting: Waiting = { kind: "nothing" };
  #aborted = 0;

  /** @param changed called when there is another picture, or something else to wait for */
  constructor(client: ImageClient, changed: (loader: PlaneLoader) => void) {
    this.#client = client;
    this.#changed = changed;
  }

  /** What is to be shown: of another slice, while that which is wanted is on its way. */
  get picture(): Picture | null {
    return this.#picture;
  }

  get waiting(): Waiting {
    return this.#waiting;
  }

  /** Number of requests that were aborted. */
  get aborted(): number {
    return this.#aborted;
  }

  /** Whether what is wanted is shown, as fine as it will be. */
  get isCurrent(): boolean {
    return (
      this.#wanted === null || (this.#picture?.key === this.#wanted && this.#waiting.kind !== "refining")
    );
  }

  /** @param coarse is quicker to read, and shown until `fine` is there */
  want(fine: PlaneWish, coarse: PlaneWish | null = null): void {
    if (this.#wanted === fine.key) return;
    this.#wanted = fine.key;
    let spared = performance.now() - this.#shownAt < PATIENCE;
    for (const [key, { request, isSeen }] of this.#running) {
      if (key === fine.key || key === coarse?.key) continue;
      // The oldest one is the nearest to its end; where there are coarse planes, fine ones are far from it.
      if (spared || isSeen || (coarse !== null && request.effort !== "quick")) this.#abort(key);
      else spared = true;
    }
    const isShown = this.#picture?.key === fine.key;
    if (isShown) this.#settle(this.#picture!);
    if (isShown && this.#picture!.plane.more) void this.#load(fine);
    else if (!isShown) void this.#loadBoth(fine, coarse);
    // Not before: what is wanted may be what was read ahead.
    this.#ahead?.abort(STALE);
    this.#ahead = null;
  }

  /** Reads what failed, or was too much to be read unasked, again. */
  again(wish: PlaneWish): void {
    this.#wanted = null;
    this.want(wish);
  }

  /** Reads planes that may be wanted next, one after the other, until something else is wanted. */
  async prefetch(wishes: readonly PlaneWish[]): Promise<void> {
    this.#ahead?.abort(STALE);
    const ahead = new AbortController();
    this.#ahead = ahead;
    try {
      for (const { request } of wishes) {
        if (ahead.signal.aborted) return;
        await this.#client.warm(request, { signal: ahead.signal });
      }
    } catch {
      // It will be read, or fail, when it is wanted.
    }
  }

  /** Aborts everything. */
  close(): void {
    this.#ahead?.abort(STALE);
    for (const { controller } of this.#running.values()) controller.abort(STALE);
    this.#running.clear();
  }

  /** What is quick to read comes first, and so that it is quick, alone: where both are of one level, the Worker sees to that. */
  async #loadBoth(fine: PlaneWish, coarse: PlaneWish | null): Promise<void> {
    const isCoarse = coarse && this.#load(coarse);
    if (coarse?.request.level !== fine.request.level) await isCoarse;
    if (this.#wanted === fine.key) await this.#load(fine);
  }

  async #load(wish: PlaneWish): Promise<void> {
    const { key, request } = wish;
    if (this.#running.has(key)) return;
    const running: Running = { request, controller: new AbortController(), isSeen: false };
    this.#running.set(key, running);
    const { signal } = running.controller;
    const tell = (progress: Progress | null): void => {
      const kind = running.isSeen ? "refining" : "reading";
      if (this.#wanted === key && !signal.aborted) this.#tell({ kind, progress });
    };
    this.#tell({ kind: "reading", progress: null });
    try {
      for (let round = 0; this.#running.has(key); round++) {
        const plane = await this.#client.plane({ ...request, round }, { signal, onProgress: tell });
        if (signal.aborted) return;
        running.isSeen = true;
        // Of what is wanted no longer, one picture is enough.
        if (!("more" in plane) || this.#wanted !== key) this.#running.delete(key);
        this.#take(wish, plane);
      }
    } catch (error) {
      if (signal.aborted) return;
      this.#running.delete(key);
      if (this.#wanted === key) this.#tell({ kind: "failed", error });
    }
  }

  /** Shows a plane that was read, if it is wanted or better than what is shown. */
  #take(wish: PlaneWish, plane: PlaneData | Costly): void {
    const isWanted = this.#wanted === wish.key;
    if (!("data" in plane)) {
      if (isWanted) this.#tell({ kind: "costly", bytes: plane.costly });
    } else if (isWanted || !this.isCurrent) {
      this.#picture = { ...wish, plane };
      this.#shownAt = performance.now();
      if (isWanted) {
        for (const stale of this.#running.keys()) if (stale !== wish.key) this.#abort(stale);
        this.#settle(this.#picture);
      } else this.#changed(this);
    }
  }

  #abort(key: string): void {
    this.#running.get(key)!.controller.abort(STALE);
    this.#running.delete(key);
    this.#aborted++;
  }

  /** What is wanted is shown, or as much of it as there is so far, or is read unasked. */
  #settle({ plane: { costly, more } }: Picture): void {
    if (more) this.#tell({ kind: "refining", progress: null });
    else this.#tell(costly === undefined ? { kind: "nothing" } : { kind: "costly", bytes: costly });
  }

  #tell(waiting: Waiting): void {
    this.#waiting = waiting;
    this.#changed(this);
  }
}
