import { isLazyImageError, type LazyImageError } from "@lazyimg/core";
import { Attempt } from "./attempt.js";
import { isPassing, Passing, retryAfter } from "./http-answer.js";
import { pause } from "./pause.js";
import { givenUp, reasonOf, waitBefore } from "./retry.js";
import type { TransportRequest } from "./transport.js";

/** So many bytes a second a connection carries at least: what is sent takes its time before an answer can begin. */
const SLOWEST = 50_000;

/** A request of a store that writes; its answer is short. */
export interface Sending {
  readonly method: string;
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly body?: Uint8Array | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Asked when a repeated request is refused: whether an attempt before it, whose answer was lost, did the work. */
  readonly done?: (() => Promise<boolean>) | undefined;
}

/** What came back. */
export interface Sent {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Uint8Array;
}

/** Makes the requests of one store. */
export interface SenderOptions {
  readonly fetch: typeof fetch;
  /** `retries` and `timeout` are those of `httpSource`. */
  readonly request: TransportRequest;
  /** The error for an answer that asking again would not change. */
  refused(url: string, response: Response): Promise<LazyImageError>;
  /** Statuses below 500 that may pass all the same, such as a conflict of two writers. */
  readonly conflicts?: readonly number[];
  /** Statuses besides 2xx that are answers. */
  readonly answers?: readonly number[];
}

/** Sends a request, again where its failure may pass, and gives the answer with its whole body. */
export type Sender = (sending: Sending) => Promise<Sent>;

/** The answer that was lost. */
const DONE: Sent = { status: 200, headers: new Headers(), body: new Uint8Array(0) };

const numberIn = (value: unknown, fallback: number): number => (typeof value === "number" ? value : fallback);

export function senderOf({
  fetch: send,
  request,
  refused,
  conflicts = [],
  answers = [],
}: SenderOptions): Sender {
  const retries = numberIn(request.readerOptions?.retries, 3);
  const timeout = numberIn(request.readerOptions?.timeout, 30_000);

  async function once({ method, url, headers, body, signal }: Sending): Promise<Sent> {
    const patience = timeout + ((body?.length ?? 0) / SLOWEST) * 1000;
    const attempt = new Attempt(signal, patience, () => {});
    const what = url.replace(/\?.*/s, "");
    const step = async <T>(work: Promise<T>): Promise<T> => {
      try {
        return await attempt.wait(work);
      } catch (cause) {
        if (isLazyImageError(cause)) throw cause;
        signal?.throwIfAborted();
        throw new Passing(`${what}: ${reasonOf(cause)}`, { cause });
      }
    };
    try {
      const init: RequestInit = {
        method,
        headers: new Headers(headers),
        body: (body as Uint8Array<ArrayBuffer> | undefined) ?? null,
        signal: attempt.signal,
        cache: "no-store",
      };
      const response = await step((async () => send(url, init))());
      const { status, headers: answered } = response;
      if (isPassing(status) || conflicts.includes(status)) {
        const wait = retryAfter(answered.get("retry-after"));
        throw new Passing(`${what}: the server answered ${status} ${response.statusText}`, { wait });
      }
      if (!response.ok && !answers.includes(status)) throw await step(refused(url, response));
      const bytes = new Uint8Array(await step(response.arrayBuffer()));
      return { status, headers: answered, body: bytes };
    } finally {
      attempt.end();
    }
  }

  return async (sending) => {
    for (let failures = 0; ; ) {
      sending.signal?.throwIfAborted();
      try {
        return await once(sending);
      } catch (error) {
        sending.signal?.throwIfAborted();
        if (!(error instanceof Passing)) {
          if (failures > 0 && (await sending.done?.())) return DONE;
          throw error;
        }
        if (++failures > retries) throw givenUp(error, failures);
        await pause(waitBefore(failures, error.wait), sending.signal);
      }
    }
  };
}
