import type { Signature } from "@lazyimg/byte-source/remote";
import type { Token } from "./credentials.js";
import { isExpired, refusalOf, refused } from "./refusal.js";

/** Requests with a token. */
export const signature: Signature<Token> = {
  async sign(url, init, { token }) {
    const headers = new Headers(init.headers);
    headers.set("authorization", `Bearer ${token}`);
    // An upload's session asks for more by a redirect to nowhere, which browsers do not show otherwise.
    const redirect = headers.has("content-range") ? "follow" : "manual";
    return { url, init: { ...init, headers, redirect } };
  },
  refusalOf,
  isExpired,
  refused,
};
