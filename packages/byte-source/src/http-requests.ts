import { isLazyImageError, LazyImageError } from "@lazyimg/core";
import { Attempt } from "./attempt.js";
import { type Answer, changed, Passing, readAnswer } from "./http-answer.js";
import { reasonOf } from "./retry.js";

/** How requests are made. */
export interface RangeRequestOptions {
  /** Makes the requests: for signing, renewing links, proxies. The platform's own by default. */
  readonly fetch?: typeof fetch | undefined;
  /** Sent with every request, such as `Authorization`. */
  readonly headers?: HeadersInit | undefined;
  /** How long a server may send nothing before the request is repeated, in milliseconds (30 000). */
  readonly timeout?: number | undefined;
}

/** A request whose answer has begun. */
export interface Begun {
  readonly attempt: Attempt;
  readonly answer: Answer;
}

/** Requests for ranges of one file, whose answers must all be about the same content. */
export class RangeRequests {
  /** The URL as messages have it: its query may hold a signature. */
  readonly what: string;
  /** Whether the server has answered. */
  answered = false;
  /** What tells the content that was first seen from another. */
  first: Pick<Answer, "etag" | "modified"> | undefined;
  /** Size of the file, as far as it is known. */
  total: number | null = null;
  readonly #url: string;
  readonly #options: RangeRequestOptions;
  readonly #attempts = new Set<Attempt>();

  constructor(url: URL, options: RangeRequestOptions) {
    this.#url = url.href;
    this.what = url.origin + url.pathname;
    this.#options = options;
  }

  /** A request to come, which ends with its reader's signal. */
  attempt(signal: AbortSignal | undefined): Attempt {
    const attempt = new Attempt(signal, this.#options.timeout ?? 30_000, (ended) =>
      this.#attempts.delete(ended),
    );
    this.#attempts.add(attempt);
    return attempt;
  }

  /** Ends all requests. */
  end(reason: unknown): void {
    for (const attempt of this.#attempts) attempt.end(reason);
  }

  /** Asks for the bytes `[start, end)`. Throws `Passing` for what may pass, and what `readAnswer` throws. */
  async ask(start: number, end: number, attempt: Attempt): Promise<Begun> {
    const headers = new Headers(this.#options.headers);
    headers.set("range", `bytes=${start}-${end === Number.POSITIVE_INFINITY ? "" : end - 1}`);
    // The browser's cache would answer the ranges of one URL one after the other.
    const init: RequestInit = { headers, signal: attempt.signal, cache: "no-store" };
    const response = await this.#passing(
      attempt.wait((async () => (this.#options.fetch ?? fetch)(this.#url, init))()),
    );
    const answer = readAnswer(response, start, end, this.what);
    this.#compare(answer, start);
    this.answered = true;
    attempt.body = response.body?.getReader();
    return { attempt, answer };
  }

  /** The next piece of an answer's body, `undefined` after the last. Throws `Passing` where the network fails. */
  piece(attempt: Attempt): Promise<Uint8Array | undefined> {
    return this.#passing(attempt.piece());
  }

  /** A step of a request; a failure of the network is one that may pass. */
  async #passing<T>(step: Promise<T>): Promise<T> {
    try {
      return await step;
    } catch (cause) {
      if (isLazyImageError(cause)) throw cause;
      throw new Passing(`${this.what}: ${reasonOf(cause)}`, { cause });
    }
  }

  /** Throws where an answer is about another content than the first one was. */
  #compare(answer: Answer, start: number): void {
    const { total } = answer;
    const resized = total !== null && this.total !== null && total !== this.total;
    if (resized || (!answer.outside && this.first !== undefined && changed(this.first, answer))) {
      throw new LazyImageError(
        "ERR_CHANGED",
        `${this.what} changed on the server since it was opened: open it again`,
      );
    }
    this.total ??= total;
    if (answer.outside) {
      if (this.total !== null && start < this.total) {
        const message = `${this.what}: the server refuses bytes from ${start}, but has ${this.total}`;
        throw new LazyImageError("ERR_HTTP", message);
      }
    } else {
      this.first ??= { etag: answer.etag, modified: answer.modified };
    }
  }
}
