import type { Signature } from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";
import type { Credentials } from "./credentials.js";
import { isExpired, refusalOf, refused } from "./refusal.js";

/** Of the protocol; what is needed here has long been in it. */
const VERSION = "2021-12-02";

/** Headers that a Shared Key covers, in its order, between the verb and Azure's own. */
const COVERED = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-md5",
  "content-type",
  "date",
  "if-modified-since",
  "if-match",
  "if-none-match",
  "if-unmodified-since",
  "range",
];

const base64 = (bytes: Uint8Array): string => btoa(String.fromCharCode(...bytes));

async function hmac(key: string, text: string): Promise<string> {
  let raw: Uint8Array<ArrayBuffer>;
  try {
    raw = Uint8Array.from(atob(key), (character) => character.charCodeAt(0));
  } catch (cause) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      "The account key of Azure is not in base64; copy it again",
      {
        cause,
      },
    );
  }
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  const imported = await crypto.subtle.importKey("raw", raw, algorithm, false, ["sign"]);
  return base64(new Uint8Array(await crypto.subtle.sign("HMAC", imported, new TextEncoder().encode(text))));
}

/** What a Shared Key signs (Azure Storage REST API, "Authorize with Shared Key"). */
function stringToSign(account: string, method: string, url: URL, headers: Headers, length: number): string {
  const covered = COVERED.map((name) =>
    name === "content-length" ? (length === 0 ? "" : String(length)) : (headers.get(name) ?? ""),
  );
  const own = [...headers].filter(([name]) => name.startsWith("x-ms-")).sort(([a], [b]) => (a < b ? -1 : 1));
  const query = [...url.searchParams].map(([name, value]) => `\n${name.toLowerCase()}:${value}`).sort();
  return [
    method,
    ...covered,
    ...own.map(([name, value]) => `${name}:${value}`),
    `/${account}${url.pathname}${query.join("")}`,
  ].join("\n");
}

/** @param account whose key signs; not needed for tokens and shared access signatures */
export function signatureOf(account: string | undefined): Signature<Credentials> {
  return {
    async sign(url, init, credentials) {
      const headers = new Headers(init.headers);
      headers.set("x-ms-version", VERSION);
      if ("sasToken" in credentials) {
        const sas = credentials.sasToken.replace(/^\?/, "");
        return { url: `${url}${url.includes("?") ? "&" : "?"}${sas}`, init: { ...init, headers } };
      }
      headers.set("x-ms-date", new Date().toUTCString());
      if ("token" in credentials) {
        headers.set("authorization", `Bearer ${credentials.token}`);
        return { url, init: { ...init, headers } };
      }
      if (account === undefined) {
        throw new LazyImageError(
          "ERR_INVALID_ARGUMENT",
          "An account key signs for an account: give readerOptions.azure.account, or set AZURE_STORAGE_ACCOUNT",
        );
      }
      const { method = "GET", body } = init;
      const length = body instanceof Uint8Array ? body.length : 0;
      const text = stringToSign(account, method, new URL(url), headers, length);
      headers.set("authorization", `SharedKey ${account}:${await hmac(credentials.accountKey, text)}`);
      return { url, init: { ...init, headers } };
    },
    refusalOf,
    isExpired,
    refused,
  };
}
