import { isLazyImageError, LazyImageError } from "@lazyimg/core";

/** An error on its way to the other side. */
export interface Failure {
  readonly code: string;
  readonly message: string;
  /** Its number on the side where it was thrown. */
  readonly number: number;
  /** Whether that is the side that it goes to: it is on its way back. */
  readonly isYours: boolean;
}

/** How many errors of its own a side remembers: nearly all that come back come at once. */
const REMEMBERED = 16;

/**
 * Errors as one side of a link sends and gets them. What comes from the other side is a `LazyImageError` of the same code
 * and message; what was thrown here, went there and comes back is the object that it was.
 */
export class Failures {
  readonly #mine = new Map<number, unknown>();
  readonly #theirs = new WeakMap<LazyImageError, number>();
  #numbers = 0;

  encode(error: unknown): Failure {
    const message = error instanceof Error ? error.message : String(error);
    const code = isLazyImageError(error) ? error.code : "ERR_INTERNAL";
    const theirs = error instanceof LazyImageError ? this.#theirs.get(error) : undefined;
    if (theirs !== undefined) return { code, message, number: theirs, isYours: true };
    const number = this.#numbers++;
    this.#mine.set(number, error);
    this.#mine.delete(number - REMEMBERED);
    return { code, message, number, isYours: false };
  }

  revive({ code, message, number, isYours }: Failure): unknown {
    if (isYours && this.#mine.has(number)) return this.#mine.get(number);
    const error = new LazyImageError(code, message);
    if (!isYours) this.#theirs.set(error, number);
    return error;
  }
}
