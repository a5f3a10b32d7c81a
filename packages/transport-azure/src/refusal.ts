import { type Refusal, refusedBy, type Signature, textOf } from "@lazyimg/byte-source/remote";
import type { Credentials } from "./credentials.js";

/** Azure says the same of what has ended and of what is wrong: new credentials are asked for in either case. */
const DOUBTED = ["AuthenticationFailed", "InvalidAuthenticationInfo", "ExpiredAuthenticationToken"];

/** Azurite has another code for it, but the same words. */
const isUnauthenticated = ({ message }: Refusal): boolean =>
  message.startsWith("Server failed to authenticate");

export const isExpired = (refusal: Refusal): boolean =>
  DOUBTED.includes(refusal.code) || isUnauthenticated(refusal);

/** An answer's refusal: its code is in a header, its words in XML. */
export async function refusalOf(response: Response): Promise<Refusal> {
  const xml = (await response.text()).slice(0, 10_000);
  const { status, statusText, headers } = response;
  return {
    status,
    code: headers.get("x-ms-error-code") ?? textOf(xml, "Code") ?? String(status),
    message: (textOf(xml, "AuthenticationErrorDetail") ?? textOf(xml, "Message") ?? statusText).split(
      "\n",
    )[0]!,
  };
}

/** Codes of a blob that is not there. */
const MISSING = ["BlobNotFound", "404"];

/** What to do about it, by Azure's codes. */
const ADVICE: Readonly<Record<string, string>> = {
  AuthenticationFailed:
    "the key is not that of the account, or the signature has ended: give new credentials, or a function that gets them",
  InvalidAuthenticationInfo:
    "the token has ended, or is for something else: give a function that gets new ones",
  AuthorizationFailure: "these credentials may not do that, or the account's firewall keeps this machine out",
  AuthorizationPermissionMismatch:
    "the credentials lack a permission: a role such as Storage Blob Data Reader (or Contributor), or a letter of the SAS",
  ContainerNotFound: "look at the container's name, and at the account",
  PublicAccessNotPermitted: "the account has no public containers: give readerOptions.azure.credentials",
  ResourceNotFound: "there is none, or it is not public",
};

/** The error for an answer that asking again would not change. */
export const refused: Signature<Credentials>["refused"] = (url, _, refusal, signed) =>
  refusedBy("Azure", url, refusal, MISSING.includes(refusal.code), [
    ADVICE[isUnauthenticated(refusal) ? "AuthenticationFailed" : refusal.code],
    signed ? undefined : "no credentials were found to sign with",
  ]);
