import { isLazyImageError, LazyImageError } from "@lazyimg/core";

/** What a store said when it refused: the `cause` of the error. */
export interface Refusal {
  readonly status: number;
  /** The store's own code, such as `AccessDenied`; the status where it gives none. */
  readonly code: string;
  readonly message: string;
}

/**
 * The error for an answer that asking again would not change.
 *
 * @param store as messages have it
 * @param url what was asked for; its query is not told, which may be a signature
 * @param isMissing whether there is just no such object
 * @param advice what to do about it, as far as that is known
 */
export function refusedBy(
  store: string,
  url: string,
  refusal: Refusal,
  isMissing: boolean,
  advice: readonly (string | undefined)[],
): LazyImageError {
  const { status, code, message } = refusal;
  const said = `${decodeURI(url.replace(/\?.*/s, ""))}: ${store} answers ${status} ${code} (${message})`;
  const known = advice.filter((text) => text !== undefined);
  return new LazyImageError(isMissing ? "ERR_NOT_FOUND" : "ERR_HTTP", [said, ...known].join("; "), {
    cause: refusal,
  });
}

/** Refusals that say who is asking is not clear, not that this one may not do it. */
const UNKNOWN = /Authenticat|Signature|AccessKey|Token|Time/;

/** Whether a store let these credentials in, and refused what was asked. */
export function isForbidden(error: unknown): boolean {
  const { status, code = "" } = refusalBehind(error) ?? {};
  return status === 403 && !UNKNOWN.test(code);
}

/** What the store said, where an error is its refusal. */
export function refusalBehind(error: unknown): Refusal | undefined {
  const { cause } = isLazyImageError(error) ? error : {};
  return typeof cause === "object" && cause !== null && "status" in cause ? (cause as Refusal) : undefined;
}
