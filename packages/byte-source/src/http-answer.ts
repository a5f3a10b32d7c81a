import { LazyImageError } from "@lazyimg/core";

/** A failure that may pass: try again, after `wait` milliseconds if the server said how many. */
export class Passing extends Error {
  readonly wait: number | undefined;

  constructor(message: string, options: { cause?: unknown; wait?: number | undefined } = {}) {
    super(message, options);
    this.wait = options.wait;
  }
}

/** What a server said about the bytes that it sends. */
export interface Answer {
  /** Which bytes the body holds, `[start, end)`; `end` is `null` where only its own end tells. */
  readonly start: number;
  readonly end: number | null;
  /** Size of the whole, or `null`. */
  readonly total: number | null;
  /** A 200: the server sends everything, whatever was asked for. */
  readonly whole: boolean;
  /** A 416: there are no such bytes, and no body. */
  readonly outside: boolean;
  readonly etag: string | null;
  readonly modified: string | null;
}

/**
 * Reads the status and headers of the answer to a request of `[start, end)`.
 *
 * Throws `Passing` for what may pass (408, 429, 5xx), `ERR_NOT_FOUND` (404, 410) and `ERR_HTTP` (everything else that
 * is not an answer to a range request as RFC 9110, section 14, has it).
 */
export function readAnswer(response: Response, start: number, end: number, what: string): Answer {
  const { status, headers } = response;
  const validators = { etag: headers.get("etag"), modified: headers.get("last-modified") };
  const range = headers.get("content-range");
  const encoding = headers.get("content-encoding");
  const encoded = encoding !== null && !/^\s*(identity)?\s*$/i.test(encoding);
  const length = encoded ? null : wholeNumber(headers.get("content-length"));

  if (status === 200) {
    return { start: 0, end: length, total: length, whole: true, outside: false, ...validators };
  }

  if (status === 416) {
    const total = wholeNumber(/^\s*bytes\s+\*\/(\d+)\s*$/i.exec(range ?? "")?.[1]);
    return { start, end: start, total, whole: false, outside: true, ...validators };
  }

  if (status === 206) {
    if (encoded) {
      throw new LazyImageError(
        "ERR_HTTP",
        `${what}: the server compressed a range (Content-Encoding: ${encoding}): turn that off for this kind of file`,
      );
    }
    if (range === null) {
      // Another origin shows this header to a page only when told to; everywhere else a range without it is an error.
      if (response.type !== "cors" || /^multipart\//i.test(headers.get("content-type") ?? "")) {
        throw new LazyImageError("ERR_HTTP", `${what}: the server sent a range (206) without saying which`);
      }
      // Without a total, only a 416 for the rest tells that the file has ended.
      const stop = length === null ? null : start + length;
      if (stop !== null && stop > end) throw wrongRange(what, start, end, `${length} bytes`);
      return { start, end: stop, total: null, whole: false, outside: false, ...validators };
    }
    const found = /^\s*bytes\s+(\d+)-(\d+)\/(\d+|\*)\s*$/i.exec(range);
    const first = wholeNumber(found?.[1]);
    const last = wholeNumber(found?.[2]);
    const total = found?.[3] === "*" ? null : wholeNumber(found?.[3]);
    if (
      first !== start ||
      last === null ||
      last >= end ||
      (total === null ? found?.[3] !== "*" : last >= total) ||
      (length !== null && length !== last + 1 - first)
    ) {
      throw wrongRange(what, start, end, `${range} (Content-Length ${length})`);
    }
    return { start, end: last + 1, total, whole: false, outside: false, ...validators };
  }

  const said = `${what}: the server answered ${status} ${response.statusText}`.trimEnd();
  if (status === 404 || status === 410) throw new LazyImageError("ERR_NOT_FOUND", `${said}: check the URL`);
  if (isPassing(status)) throw new Passing(said, { wait: retryAfter(headers.get("retry-after")) });
  const advice =
    status === 401 || status === 403
      ? ": pass headers (Authorization) or a fetch that signs"
      : ", no answer to a request for a range";
  throw new LazyImageError("ERR_HTTP", said + advice);
}

/** Whether a failure with this status may pass. */
export const isPassing = (status: number): boolean =>
  status === 408 || status === 429 || (status >= 500 && status !== 501);

function wrongRange(what: string, start: number, end: number, found: string): LazyImageError {
  const asked = end === Number.POSITIVE_INFINITY ? `${start}-` : `${start}-${end - 1}`;
  return new LazyImageError("ERR_HTTP", `${what}: asked for bytes ${asked}, the server sent ${found}`);
}

function wholeNumber(text: string | null | undefined): number | null {
  if (text == null || !/^\s*\d+\s*$/.test(text)) return null;
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : null;
}

/** `Retry-After` (RFC 9110, section 10.2.3), seconds or a date, in milliseconds. */
export function retryAfter(text: string | null): number | undefined {
  if (text === null) return undefined;
  const wait = /^\s*\d+\s*$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.now();
  return Number.isNaN(wait) ? undefined : Math.max(0, wait);
}

/** Whether two ETags tell of different contents: compared weakly (RFC 9110, section 8.8.3.2). */
export function changed(
  before: Pick<Answer, "etag" | "modified">,
  now: Pick<Answer, "etag" | "modified">,
): boolean {
  const weak = (etag: string): string => etag.replace(/^W\//, "");
  if (before.etag !== null && now.etag !== null) return weak(before.etag) !== weak(now.etag);
  return before.modified !== null && now.modified !== null && before.modified !== now.modified;
}
