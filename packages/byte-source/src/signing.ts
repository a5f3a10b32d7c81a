import type { LazyImageError } from "@lazyimg/core";
import type { Ending, Keyring } from "./keyring.js";
import type { Refusal } from "./refusal.js";
import type { TransportRequest } from "./transport.js";

/** How a store wants its requests. */
export interface Signature<C> {
  /** The request with what the credentials add to it. */
  sign(url: string, init: RequestInit, credentials: C): Promise<{ url: string; init: RequestInit }>;
  /** What an answer says that is no success. */
  refusalOf(response: Response): Promise<Refusal>;
  /** Whether other credentials would help, because these have ended. */
  isExpired(refusal: Refusal): boolean;
  /** The error for one that asking again would not change; `signed` is whether credentials came along. */
  refused(
    url: string,
    response: Pick<Response, "headers">,
    refusal: Refusal,
    signed: boolean,
  ): LazyImageError;
}

/** What a writer is told that goes on: send more; somebody else writes, too. */
const WRITTEN = [308, 409];

/**
 * Makes the requests of a store: signed, and with refusals told in words. A fetch of the caller's that comes without
 * credentials has its own.
 */
export function signedFetch<C extends Ending>(
  { fetch: own }: TransportRequest,
  hasCredentials: boolean,
  keyring: Keyring<C>,
  signature: Signature<C>,
): typeof fetch {
  return own !== undefined && !hasCredentials ? own : signing(keyring, signature, own ?? fetch);
}

/** A fetch that signs. Credentials that have ended are renewed once. */
function signing<C extends Ending>(
  keyring: Keyring<C>,
  { sign, refusalOf, isExpired, refused }: Signature<C>,
  send: typeof fetch,
): typeof fetch {
  return async (input, init = {}) => {
    const url = String(input);
    let credentials = await keyring.get();
    for (let again = false; ; again = true) {
      const signed = credentials === null ? { url, init } : await sign(url, init, credentials);
      // A redirect would take a token along.
      const response = await send(signed.url, { redirect: "manual", ...signed.init });
      const { status } = response;
      // 416 tells the size, and the rest may pass: they are for who asked.
      const isAnswer = response.ok || [408, 416, 429].includes(status) || status >= 500;
      if (isAnswer || (init.method !== undefined && WRITTEN.includes(status))) return response;
      const refusal = await refusalOf(response);
      if (again || credentials === null || !isExpired(refusal)) {
        throw refused(url, response, refusal, credentials !== null);
      }
      credentials = await keyring.get(credentials);
    }
  };
}
