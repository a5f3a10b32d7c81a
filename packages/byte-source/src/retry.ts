import { LazyImageError } from "@lazyimg/core";
import type { Passing } from "./http-answer.js";

/** The first wait before a request is repeated, in milliseconds; it doubles each time. */
const FIRST_WAIT = 200;
/** The longest wait that a server's `Retry-After` is granted, in milliseconds. */
const LONGEST_WAIT = 30_000;

/** Exponential backoff with jitter, unless the server said when to come back. */
export function waitBefore(attempt: number, said: number | undefined): number {
  if (said !== undefined) return Math.min(said, LONGEST_WAIT);
  return FIRST_WAIT * 2 ** (attempt - 1) * (0.5 + Math.random() / 2);
}

/** Node hides the reason of a failed request in its cause; a browser keeps it to itself. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof Error && cause.message !== "") return `${error.message} (${cause.message})`;
  return error.message;
}

/** The error of what failed too often. */
export function givenUp(error: Passing, failures: number): LazyImageError {
  const cors =
    globalThis.location === undefined
      ? ""
      : "; or the server does not let other origins read it (CORS): it must expose Content-Range and ETag, and not compress (Content-Encoding)";
  return new LazyImageError("ERR_HTTP", `${error.message}; tried ${failures} times${cors}`, { cause: error });
}
