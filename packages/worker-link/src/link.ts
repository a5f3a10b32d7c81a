import { onAbort } from "@lazyimg/core/abort";
import { type Failure, Failures } from "./failure.js";

/** How far a call is. */
export interface Progress {
  readonly bytes: number;
  readonly totalBytes: number;
}

/** How a service is told of aborts, and tells how far it is. */
export interface CallContext {
  readonly signal: AbortSignal;
  /** May be called as often as one likes: ten times a second it is passed on. */
  readonly onProgress: (progress: Progress) => void;
}

export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Memory of the arguments that moves to the other side; it is lost here. */
  readonly transfer?: Transferable[];
}

/**
 * What one side does for the other, by name. A result that is a typed array, or has one as `data`, is moved where that is
 * all of its memory; everything else is copied.
 */
export type Services = Readonly<
  Record<string, (args: readonly unknown[], context: CallContext) => Promise<unknown>>
>;

/** A `MessagePort`, a `Worker`, or what a Worker sees of itself (`self`). */
export interface Port {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
  start?(): void;
  close?(): void;
}

type Message =
  | { readonly kind: "call"; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly kind: "abort"; readonly id: number }
  | { readonly kind: "progress"; readonly id: number; readonly progress: Progress }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly failure: Failure };

/** A call whose answer is awaited. */
interface Waiting {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  readonly onProgress: CallOptions["onProgress"];
}

/** Progress is passed on no more often than this, in milliseconds. */
const EVERY = 100;

/** Calls between a page and a Worker, both ways over one port. */
export class Link {
  readonly #port: Port;
  readonly #services: Services;
  readonly #failures = new Failures();
  readonly #waiting = new Map<number, Waiting>();
  readonly #serving = new Map<number, AbortController>();
  #closed: { readonly reason: unknown } | null = null;
  #ids = 0;

  /** @param services what this side does for the other */
  constructor(port: Port, services: Services) {
    this.#port = port;
    this.#services = services;
    port.addEventListener("message", ({ data }: MessageEvent<Message>) => this.#receive(data));
    port.start?.();
  }

  /**
   * Has the other side do something.
   *
   * Rejects with `signal.reason`, with the reason of `close`, or with what the service rejected with: a `LazyImageError`
   * of the same code (`ERR_INTERNAL` where it had none) and message; an error that came from this side, as it was.
   */
  call(
    name: string,
    args: readonly unknown[],
    { signal, onProgress, transfer }: CallOptions = {},
  ): Promise<unknown> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    if (this.#closed !== null) return Promise.reject(this.#closed.reason);
    return new Promise((resolve, reject) => {
      const id = this.#ids++;
      this.#post({ kind: "call", id, name, args }, transfer);
      const settle =
        <T>(how: (value: T) => void) =>
        (value: T): void => {
          this.#waiting.delete(id);
          stay?.();
          how(value);
        };
      const waiting = { resolve: settle(resolve), reject: settle(reject), onProgress };
      this.#waiting.set(id, waiting);
      const stay =
        signal &&
        onAbort(signal, () => {
          this.#post({ kind: "abort", id });
          waiting.reject(signal.reason);
        });
    });
  }

  /** Rejects all calls, those to come too, and aborts what is done for the other side. */
  close(reason: unknown): void {
    this.#closed = { reason };
    for (const { reject } of [...this.#waiting.values()]) reject(reason);
    for (const controller of this.#serving.values()) controller.abort(reason);
    this.#port.close?.();
  }

  #post(message: Message, transfer: Transferable[] = []): void {
    this.#port.postMessage(message, transfer);
  }

  #receive(message: Message): void {
    const { kind, id } = message;
    if (kind === "call") void this.#serve(message);
    else if (kind === "abort") this.#serving.get(id)?.abort();
    else if (kind === "progress") this.#waiting.get(id)?.onProgress?.(message.progress);
    else if (kind === "result") this.#waiting.get(id)?.resolve(message.value);
    else this.#waiting.get(id)?.reject(this.#failures.revive(message.failure));
  }

  async #serve({ id, name, args }: Message & { readonly kind: "call" }): Promise<void> {
    const controller = new AbortController();
    const { signal } = controller;
    this.#serving.set(id, controller);
    let told = Date.now();
    const onProgress = (progress: Progress): void => {
      if (signal.aborted || Date.now() - told < EVERY) return;
      told = Date.now();
      this.#post({ kind: "progress", id, progress });
    };
    try {
      const value = await this.#services[name]!(args, { signal, onProgress });
      if (!signal.aborted) this.#post({ kind: "result", id, value }, movable(value));
    } catch (error) {
      // Of what was aborted nobody waits to hear.
      if (!signal.aborted) this.#post({ kind: "error", id, failure: this.#failures.encode(error) });
    } finally {
      this.#serving.delete(id);
    }
  }
}

/** The memory of a result that nobody else has a part of. */
function movable(value: unknown): Transferable[] {
  const data = ArrayBuffer.isView(value) ? value : (value as { data?: unknown } | null | undefined)?.data;
  if (!ArrayBuffer.isView(data)) return [];
  const { buffer, byteLength } = data;
  return buffer instanceof ArrayBuffer && buffer.byteLength === byteLength ? [buffer] : [];
}
