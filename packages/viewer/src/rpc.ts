import { LazyImageError } from "@lazyimg/core";
import { onAbort } from "@lazyimg/core/abort";

/** What a call may report before it is done. */
export interface Progress {
  readonly bytes: number;
  readonly totalBytes: number;
}

/** How a service is told of aborts, and tells how far it is. */
export interface CallContext {
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** What one side does for the other, by name. */
export type Services = Readonly<
  Record<string, (args: readonly unknown[], context: CallContext) => Promise<unknown>>
>;

/** A Worker, as both of its sides see it. */
interface Port {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: "message", listener: (event: MessageEvent) => void): void;
}

type Message =
  | { readonly kind: "call"; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly kind: "abort"; readonly id: number }
  | { readonly kind: "progress"; readonly id: number; readonly progress: Progress }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly code: string; readonly message: string }
  | { readonly kind: "notice"; readonly value: unknown };

/** Progress is reported no more often than this, in milliseconds. */
const EVERY = 100;

/** Answers calls that come through `port`. Arrays in results are moved, not copied. @returns sends a notice */
export function serve(port: Port, services: Services): (notice: unknown) => void {
  const running = new Map<number, AbortController>();
  const post = (message: Message, transfer: Transferable[] = []): void => port.postMessage(message, transfer);

  async function answer(id: number, name: string, args: readonly unknown[]): Promise<void> {
    const controller = new AbortController();
    running.set(id, controller);
    let reported = Date.now();
    const onProgress = (progress: Progress): void => {
      if (Date.now() - reported < EVERY) return;
      reported = Date.now();
      post({ kind: "progress", id, progress });
    };
    try {
      const value = await services[name]!(args, { signal: controller.signal, onProgress });
      post({ kind: "result", id, value }, buffersOf(value));
    } catch (error) {
      // Nobody waits for it any more.
      if (controller.signal.aborted) return;
      const { message } = error instanceof Error ? error : { message: String(error) };
      post({ kind: "error", id, code: (error as { code?: string }).code ?? "ERR_INTERNAL", message });
    } finally {
      running.delete(id);
    }
  }

  port.addEventListener("message", ({ data }: MessageEvent<Message>) => {
    if (data.kind === "call") void answer(data.id, data.name, data.args);
    else if (data.kind === "abort") running.get(data.id)?.abort();
  });
  return (value) => post({ kind: "notice", value });
}

function buffersOf(value: unknown): Transferable[] {
  const { data } = (value ?? {}) as { data?: unknown };
  return ArrayBuffer.isView(data) ? [data.buffer as ArrayBuffer] : [];
}

interface Waiting {
  resolve(value: unknown): void;
  reject(reason: unknown): void;
  readonly onProgress: ((progress: Progress) => void) | undefined;
}

/** Calls what the other side of `port` serves. */
export class Caller {
  readonly #port: Port;
  readonly #waiting = new Map<number, Waiting>();
  #ids = 0;

  /** @param onNotice told what the other side sends unasked */
  constructor(port: Port, onNotice: (value: unknown) => void) {
    this.#port = port;
    port.addEventListener("message", ({ data }: MessageEvent<Message>) => {
      if (data.kind === "notice") return onNotice(data.value);
      const waiting = this.#waiting.get((data as { id: number }).id);
      if (data.kind === "progress") waiting?.onProgress?.(data.progress);
      else if (data.kind === "result") waiting?.resolve(data.value);
      else if (data.kind === "error") waiting?.reject(new LazyImageError(data.code, data.message));
    });
  }

  /** Rejects with `signal.reason`, or with a `LazyImageError` of the code and message that the service failed with. */
  call(name: string, args: readonly unknown[], context: Partial<CallContext> = {}): Promise<unknown> {
    const { signal, onProgress } = context;
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = this.#ids++;
    return new Promise<unknown>((resolve, reject) => {
      const stay =
        signal &&
        onAbort(signal, () => {
          this.#port.postMessage({ kind: "abort", id } satisfies Message, []);
          settle(reject)(signal.reason);
        });
      const settle =
        <T>(how: (value: T) => void) =>
        (value: T): void => {
          this.#waiting.delete(id);
          stay?.();
          how(value);
        };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject), onProgress });
      this.#port.postMessage({ kind: "call", id, name, args } satisfies Message, []);
    });
  }

  /** Rejects all that wait. */
  fail(reason: unknown): void {
    for (const { reject } of [...this.#waiting.values()]) reject(reason);
  }
}
