import { LazyImageError } from "@lazyimg/core";
import { onAbort } from "@lazyimg/core/abort";

/** What one side does for the other, by name. Results are transferred where they are bytes in memory of their own. */
export type Services = Readonly<
  Record<string, (args: readonly unknown[], signal: AbortSignal) => Promise<unknown>>
>;

type Message =
  | { readonly kind: "call"; readonly id: number; readonly name: string; readonly args: readonly unknown[] }
  | { readonly kind: "abort"; readonly id: number }
  | { readonly kind: "result"; readonly id: number; readonly value: unknown }
  | { readonly kind: "error"; readonly id: number; readonly error: Failure };

/** An error on its way. One of the page's goes by number, so that it comes back as the object that it was. */
type Failure =
  | { readonly code: string; readonly message: string }
  | { readonly page: number; readonly message: string };

/** An error of the page's, as it passes through the Worker. */
class PageError extends Error {
  readonly page: number;

  constructor(message: string, page: number) {
    super(message);
    this.page = page;
  }
}

/** How many of its errors the page remembers: nearly all come back at once. */
const REMEMBERED = 16;

/** Calls between a page and a Worker, both ways over one port. */
export class Link {
  readonly #port: MessagePort;
  readonly #services: Services;
  readonly #side: "page" | "worker";
  readonly #waiting = new Map<number, { resolve(value: unknown): void; reject(reason: unknown): void }>();
  readonly #serving = new Map<number, AbortController>();
  readonly #errors = new Map<number, unknown>();
  #ids = 0;

  constructor(port: MessagePort, services: Services, side: "page" | "worker") {
    this.#port = port;
    this.#side = side;
    this.#services = services;
    port.onmessage = ({ data }: MessageEvent<Message>) => this.#receive(data);
  }

  /** Asks the other side; rejects with `signal.reason`, or with what the service rejected with. */
  call(name: string, args: readonly unknown[], signal?: AbortSignal): Promise<unknown> {
    if (signal?.aborted) return Promise.reject(signal.reason);
    const id = this.#ids++;
    return new Promise((resolve, reject) => {
      const stay =
        signal &&
        onAbort(signal, () => {
          this.#waiting.delete(id);
          this.#port.postMessage({ kind: "abort", id } satisfies Message);
          reject(signal.reason);
        });
      const settled = (): void => {
        this.#waiting.delete(id);
        stay?.();
      };
      this.#waiting.set(id, {
        resolve: (value) => {
          settled();
          resolve(value);
        },
        reject: (reason) => {
          settled();
          reject(reason);
        },
      });
      this.#port.postMessage({ kind: "call", id, name, args } satisfies Message);
    });
  }

  /** Rejects all calls, and those to come are never answered. */
  close(reason: unknown): void {
    for (const { reject } of [...this.#waiting.values()]) reject(reason);
    for (const controller of this.#serving.values()) controller.abort(reason);
    this.#port.close();
  }

  #receive(message: Message): void {
    if (message.kind === "call") this.#serve(message.id, message.name, message.args);
    else if (message.kind === "abort") this.#serving.get(message.id)?.abort();
    else if (message.kind === "result") this.#waiting.get(message.id)?.resolve(message.value);
    else this.#waiting.get(message.id)?.reject(this.#revive(message.error));
  }

  async #serve(id: number, name: string, args: readonly unknown[]): Promise<void> {
    const controller = new AbortController();
    this.#serving.set(id, controller);
    try {
      const value = await this.#services[name]!(args, controller.signal);
      this.#port.postMessage({ kind: "result", id, value } satisfies Message, transferable(value));
    } catch (error) {
      this.#port.postMessage({ kind: "error", id, error: this.#encode(error) } satisfies Message);
    } finally {
      this.#serving.delete(id);
    }
  }

  #encode(error: unknown): Failure {
    const message = error instanceof Error ? error.message : String(error);
    if (this.#side === "worker") {
      if (error instanceof PageError) return { page: error.page, message };
      return { code: error instanceof LazyImageError ? error.code : "ERR_INTERNAL", message };
    }
    const page = this.#ids++;
    this.#errors.set(page, error);
    for (const oldest of this.#errors.keys()) {
      if (this.#errors.size <= REMEMBERED) break;
      this.#errors.delete(oldest);
    }
    return { page, message };
  }

  #revive(error: Failure): unknown {
    if ("code" in error) return new LazyImageError(error.code, error.message);
    if (this.#side === "worker") return new PageError(error.message, error.page);
    return this.#errors.get(error.page) ?? new Error(error.message);
  }
}

function transferable(value: unknown): Transferable[] {
  const own = value instanceof Uint8Array && value.byteLength === value.buffer.byteLength;
  return own ? [value.buffer as ArrayBuffer] : [];
}
