import { LazyImageError } from "@lazyimg/core";

/** How long a token holds where its server does not say, in seconds. */
const HOUR = 3600;

/**
 * Asks for an access token (RFC 6749, section 5).
 *
 * @param who for whom, in messages
 * @param advice what to look at when there is none
 * @throws LazyImageError `ERR_HTTP` where the server gives none
 */
export async function tokenFrom(
  url: string,
  init: RequestInit,
  who: string,
  advice = "",
): Promise<{ token: string; expiration: Date }> {
  const response = await fetch(url, init);
  const answer: { access_token?: string; expires_in?: number; error?: string; error_description?: string } =
    await response.json().catch(() => ({}));
  const { access_token: token, expires_in: seconds = HOUR, error, error_description: words } = answer;
  if (response.ok && typeof token === "string") {
    return { token, expiration: new Date(Date.now() + Number(seconds) * 1000) };
  }
  const said = [response.status, error, words?.split("\n")[0]].filter((text) => text !== undefined).join(" ");
  throw new LazyImageError("ERR_HTTP", `${url} gives no token for ${who}: ${said}${advice}`);
}
