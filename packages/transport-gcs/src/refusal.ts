import { type Refusal, refusedBy, type Signature, textOf } from "@lazyimg/byte-source/remote";
import type { Token } from "./credentials.js";

/** Tokens that have ended are unauthorized. */
export const isExpired = ({ status }: Refusal): boolean => status === 401;

/** What the JSON API says. */
interface JsonError {
  readonly error?: { readonly message?: string; readonly errors?: readonly { readonly reason?: string }[] };
}

function jsonOf(text: string): JsonError {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

/** An answer's refusal: in XML where objects are read, in JSON where they are written. */
export async function refusalOf(response: Response): Promise<Refusal> {
  const text = (await response.text()).slice(0, 10_000);
  const { status, statusText } = response;
  const { error } = jsonOf(text);
  return {
    status,
    code: textOf(text, "Code") ?? error?.errors?.[0]?.reason ?? String(status),
    message: (textOf(text, "Details") ?? textOf(text, "Message") ?? error?.message) || statusText,
  };
}

/** What to do about it, by status. */
const ADVICE: Readonly<Record<number, string>> = {
  401: "the token has ended, or is none of Google's: give a new one, or a function that gets them",
  403: "these credentials may not do that, or, where they may not list the bucket either, there is no such object",
};

/** Requests of the JSON API about a bucket, not about an object in it. */
const OF_BUCKET = /\/storage\/v1\/b\/[^/]+\/o(\?|$)/;

/** Whether it is the bucket that is not there: both APIs answer 404. */
const isBucket = (url: string, { code, message }: Refusal): boolean =>
  code === "NoSuchBucket" || /bucket does not exist/i.test(message) || OF_BUCKET.test(url);

/** The error for an answer that asking again would not change. */
export const refused: Signature<Token>["refused"] = (url, _, refusal, signed) => {
  const isMissing = refusal.status === 404;
  const noBucket = isMissing && isBucket(url, refusal);
  return refusedBy("Google Cloud Storage", url, refusal, isMissing && !noBucket, [
    noBucket ? "look at the bucket's name" : ADVICE[refusal.status],
    signed || isMissing ? undefined : "no credentials were found to sign with",
  ]);
};
