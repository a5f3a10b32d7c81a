import {
  type ByteReadOptions,
  type ByteSource,
  isLazyImageError,
  LazyImageError,
  requestName,
} from "@lazyimg/core";
import { abortable } from "@lazyimg/core/abort";
import { Budget } from "@lazyimg/core/budget";
import { passed } from "#collect";
import type { Attempt } from "./attempt.js";
import { Growing } from "./growing.js";
import { Passing } from "./http-answer.js";
import { type Begun, type RangeRequestOptions, RangeRequests } from "./http-requests.js";
import { pause } from "./pause.js";
import { checkRange, checkSpan, closedError, memoryFor } from "./range.js";
import { givenUp, waitBefore } from "./retry.js";
import { type Download, Whole } from "./whole.js";

/** A request that brought this much was worth repeating: the count of failures begins anew. */
const PROGRESS = 1 << 16;

/** Where a browser would make no more connections to a server, a read would wait for one on its own time. */
const CONNECTIONS = globalThis.location === undefined ? 16 : 6;

/** Options of `httpSource`. */
export interface HttpSourceOptions extends RangeRequestOptions {
  /** The file name that tells the format, where the URL's last segment does not. */
  readonly name?: string | undefined;
  /** Most reads in flight at a time (16; in browsers 6); streams do not count. */
  readonly concurrency?: number | undefined;
  /** How often a request is repeated after a dropped connection, 408, 429 or 5xx (3). */
  readonly retries?: number | undefined;
  /** Most bytes to keep, or to skip, where a server ignores ranges and sends the whole file (256 MiB). */
  readonly maxBytes?: number | undefined;
}

/**
 * A file on an HTTP(S) server, read by range requests.
 *
 * There is no request besides the reads: the size comes with the first answer. `If-Range` is not used (a browser would
 * have to ask the server for leave first); instead the ETag, or else `Last-Modified`, and the size of every answer are
 * compared with the first one's. A server that ignores ranges is read as its file passes, which is kept up to
 * `maxBytes`.
 *
 * @param url an absolute URL; in a page or worker, relative to it
 * @returns a source whose reads throw `ERR_NOT_FOUND` (404, 410), `ERR_HTTP` (other refusals, failures that outlast
 *   the retries, answers against the protocol), `ERR_CHANGED` (the file is no longer the one first read), `ERR_LIMIT`
 *   (past `maxBytes` where the server ignores ranges), and `ERR_CLOSED` after `close`
 * @throws `ERR_INVALID_ARGUMENT` for what is no http(s) URL
 */
export function httpSource(url: string | URL, options: HttpSourceOptions = {}): ByteSource {
  return new HttpSource(parse(url), options);
}

/** What the bytes are for: a read, a stream, the download that a `Whole` keeps, or just to learn the size. */
type Use = "read" | "stream" | "whole" | "size";

class HttpSource implements ByteSource {
  readonly name: string;
  readonly gap: number = 128 * 1024;
  readonly #requests: RangeRequests;
  readonly #options: HttpSourceOptions;
  readonly #maxBytes: number;
  readonly #connections: Budget;
  /** Whether the server has answered with a range. */
  #ranges = false;
  /** The request that finds out what kind of server this is, if it is under way; an error of it is everybody's. */
  #scout: Promise<LazyImageError | undefined> | undefined;
  #whole: Whole | undefined;
  #closed = false;

  constructor(url: URL, options: HttpSourceOptions) {
    this.#requests = new RangeRequests(url, options);
    this.name = options.name ?? requestName({ path: url.href }) ?? "";
    this.#options = options;
    this.#maxBytes = options.maxBytes ?? 256 << 20;
    this.#connections = new Budget(options.concurrency ?? CONNECTIONS);
  }

  async size({ signal }: { signal?: AbortSignal | undefined } = {}): Promise<number | null> {
    this.#check(signal);
    for await (const _ of this.#bytes(0, 1, signal, "size"));
    return this.#requests.total;
  }

  async version(options: { signal?: AbortSignal | undefined } = {}): Promise<string | null> {
    const size = await this.size(options);
    const { first } = this.#requests;
    const version = first?.etag ?? first?.modified;
    return version == null ? null : `${version}:${size}`;
  }

  async modified(options: { signal?: AbortSignal | undefined } = {}): Promise<number | null> {
    await this.size(options);
    const time = Date.parse(this.#requests.first?.modified ?? "");
    return Number.isNaN(time) ? null : time;
  }

  async read(offset: number, length: number, { signal, into }: ByteReadOptions = {}): Promise<Uint8Array> {
    this.#check(signal);
    checkRange(offset, length, into);
    let bytes = into === undefined ? undefined : new Growing(into.subarray(0, length));
    const leave = await this.#connections.acquire(1, signal);
    try {
      for await (const piece of this.#bytes(offset, offset + length, signal, "read")) {
        const { total } = this.#requests;
        bytes ??= new Growing(
          total === null ? undefined : memoryFor(Math.min(length, total - offset), undefined),
        );
        bytes.append(piece, length);
      }
    } finally {
      leave();
    }
    if (into !== undefined) return into.subarray(0, bytes?.length);
    return bytes?.all() ?? new Uint8Array(0);
  }

  async *stream(
    offset: number,
    length: number,
    { signal }: { signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<Uint8Array> {
    this.#check(signal);
    yield* this.#bytes(offset, checkSpan(offset, length), signal, "stream");
  }

  async close(): Promise<void> {
    this.#closed = true;
    const reason = closedError(this.name);
    this.#whole?.cancel(reason);
    this.#whole = undefined;
    this.#requests.end(reason);
  }

  #check(signal: AbortSignal | undefined): void {
    signal?.throwIfAborted();
    if (this.#closed) throw closedError(this.name);
  }

  /** The bytes `[start, end)` as they arrive, past dropped connections and busy servers. */
  async *#bytes(
    start: number,
    end: number,
    signal: AbortSignal | undefined,
    use: Use,
    begun?: Begun,
  ): AsyncGenerator<Uint8Array> {
    let current = begun;
    let position = start;
    let failures = 0;
    let failedAt = start;
    const kept = use === "whole";
    const found = kept ? undefined : await this.#turn(signal);
    try {
      if (use === "size" && found === undefined) return; // somebody else found out
      while (position < Math.min(end, this.#requests.total ?? Number.POSITIVE_INFINITY)) {
        this.#check(signal);
        if (!kept && this.#whole !== undefined && this.#keeps(use, end)) {
          yield* this.#whole.stream(position, end, signal);
          return;
        }
        let attempt: Attempt | undefined = current?.attempt ?? this.#requests.attempt(signal);
        try {
          const { answer } = current ?? (await this.#requests.ask(position, end, attempt));
          current = undefined;
          found?.();
          if (answer.outside) return;
          if (answer.whole && !kept && !this.#ranges && this.#keeps(use, end)) {
            if (this.#whole === undefined) {
              this.#whole = this.#keep({ attempt, answer });
              attempt = undefined; // the Whole's from here on
            }
            continue;
          }
          if (answer.whole && !kept && position > this.#maxBytes) throw this.#tooMuch(position);
          this.#ranges ||= !answer.whole;

          let at = answer.start;
          for (;;) {
            const value = await this.#requests.piece(attempt);
            if (value === undefined) break;
            const piece = value.subarray(Math.max(0, position - at), Math.max(0, end - at));
            at += value.length;
            if (answer.end !== null && at > answer.end) {
              throw new LazyImageError(
                "ERR_HTTP",
                `${this.#requests.what}: the server sent more bytes than it said`,
              );
            }
            position += piece.length;
            if (piece.length > 0) yield piece;
            passed(value.length);
            if (position === end && answer.whole) return;
          }
          if (answer.end === null) {
            this.#requests.total ??= at;
            return;
          }
          if (position < Math.min(end, answer.total ?? end)) {
            throw new Passing(`${this.#requests.what}: the answer ended after ${at - answer.start} bytes`);
          }
        } catch (error) {
          attempt?.end();
          signal?.throwIfAborted();
          if (!(error instanceof Passing)) throw error;
          failures = position - failedAt >= PROGRESS ? 0 : failures + 1;
          failedAt = position;
          if (failures > (this.#options.retries ?? 3)) throw givenUp(error, failures);
          if (failures > 0) await pause(waitBefore(failures, error.wait), signal);
        } finally {
          attempt?.end();
        }
      }
    } catch (error) {
      if (isLazyImageError(error)) found?.(error);
      throw error;
    } finally {
      found?.(); // also where the consumer stopped
    }
  }

  /**
   * Waits while another read finds out what the server is like: were several to ask at once, one that ignores ranges
   * would send the file to each. Returns what ends this reader's own turn to find out.
   */
  async #turn(signal: AbortSignal | undefined): Promise<((error?: LazyImageError) => void) | undefined> {
    while (!this.#requests.answered) {
      if (this.#scout === undefined) {
        let end: (error?: LazyImageError) => void = () => {};
        const scout = new Promise<LazyImageError | undefined>((resolve) => {
          end = resolve;
        });
        this.#scout = scout;
        return (error) => {
          if (this.#scout === scout) this.#scout = undefined;
          end(error);
        };
      }
      const error = await abortable(this.#scout, signal);
      if (error !== undefined) throw error;
    }
    return undefined;
  }

  /** Whether a file that is sent whole is kept to answer this; throws `ERR_LIMIT` where it may not be. */
  #keeps(use: Use, end: number): boolean {
    const last = Math.min(end, this.#requests.total ?? Number.POSITIVE_INFINITY);
    if (last <= this.#maxBytes) return true;
    if (use !== "stream") throw this.#tooMuch(last);
    return false;
  }

  #tooMuch(end: number): LazyImageError {
    return new LazyImageError(
      "ERR_LIMIT",
      `${this.#requests.what}: the server ignores ranges and would have to send ${end} bytes, more than maxBytes ` +
        `(${this.#maxBytes}): raise it, or use another server`,
    );
  }

  #keep(begun: Begun): Whole {
    const download = (position: number, first?: Begun): Download => {
      const controller = new AbortController();
      first?.attempt.follow(controller.signal);
      return {
        pieces: this.#bytes(position, Number.POSITIVE_INFINITY, controller.signal, "whole", first),
        cancel: (reason) => controller.abort(reason),
      };
    };
    return new Whole(
      download(0, begun),
      download,
      Math.min(this.#requests.total ?? this.#maxBytes, this.#maxBytes),
    );
  }
}

function parse(url: string | URL): URL {
  let parsed: URL;
  try {
    parsed = new URL(url, globalThis.location?.href);
  } catch (cause) {
    throw new LazyImageError("ERR_INVALID_ARGUMENT", `Not an absolute URL: ${String(url)}`, { cause });
  }
  const wrong = !/^https?:$/.test(parsed.protocol)
    ? "is not http(s)"
    : parsed.username + parsed.password !== ""
      ? "holds a password: pass it in an Authorization header instead"
      : null;
  if (wrong !== null) throw new LazyImageError("ERR_INVALID_ARGUMENT", `The URL of ${parsed.host} ${wrong}`);
  return parsed;
}
