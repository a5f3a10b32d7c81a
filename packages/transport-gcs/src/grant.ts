import { tokenFrom } from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";
import type { AuthorizedUser, ServiceAccount, Token } from "./credentials.js";

const TOKENS = "https://oauth2.googleapis.com/token";
const SCOPE = "https://www.googleapis.com/auth/devstorage.read_write";
/** How long an assertion holds, in seconds. */
const HOUR = 3600;

/** Whether this is the content of a key file. */
export const isGranting = (value: unknown): value is ServiceAccount | AuthorizedUser =>
  ["service_account", "authorized_user"].includes(Object(value).type);

const base64url = (bytes: Uint8Array): string =>
  btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replace(/=+$/, "");

const encoded = (value: unknown): string => base64url(new TextEncoder().encode(JSON.stringify(value)));

/** A signed assertion of who this is (RFC 7523), by RSA with SHA-256. */
async function assertionOf(account: ServiceAccount, audience: string): Promise<string> {
  const { client_email: issuer, private_key: pem, private_key_id: kid } = account;
  const now = Math.floor(Date.now() / 1000);
  const header = { alg: "RS256", typ: "JWT", ...(kid !== undefined && { kid }) };
  const claims = { iss: issuer, scope: SCOPE, aud: audience, iat: now, exp: now + HOUR };
  const text = `${encoded(header)}.${encoded(claims)}`;
  const algorithm = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" };
  let key: CryptoKey;
  try {
    const der = atob(pem.replace(/-----[^-]+-----/g, "").replace(/\s/g, ""));
    const bytes = Uint8Array.from(der, (character) => character.charCodeAt(0));
    key = await crypto.subtle.importKey("pkcs8", bytes, algorithm, false, ["sign"]);
  } catch (cause) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `The private_key of ${issuer} is no RSA key in PKCS #8 (PEM), as Google's key files have it`,
      { cause },
    );
  }
  const signature = await crypto.subtle.sign(algorithm, key, new TextEncoder().encode(text));
  return `${text}.${base64url(new Uint8Array(signature))}`;
}

/**
 * A token for what a key file holds: a service account's key or a user's refresh token.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for a key that is none, `ERR_HTTP` where Google gives no token
 */
export async function tokenFor(file: ServiceAccount | AuthorizedUser): Promise<Token> {
  const url = file.token_uri ?? TOKENS;
  const body =
    file.type === "service_account"
      ? {
          grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
          assertion: await assertionOf(file, url),
        }
      : {
          grant_type: "refresh_token",
          client_id: file.client_id,
          client_secret: file.client_secret,
          refresh_token: file.refresh_token,
        };
  const who = file.type === "service_account" ? file.client_email : "the user's refresh token";
  return tokenFrom(url, { method: "POST", body: new URLSearchParams(body) }, who);
}
