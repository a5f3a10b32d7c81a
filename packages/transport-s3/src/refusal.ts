import { type Refusal, refusedBy, type Signature, textOf } from "@lazyimg/byte-source/remote";
import type { Credentials } from "./credentials.js";

/** Errors of credentials that have ended. */
const ENDED = ["ExpiredToken", "ExpiredTokenException", "RequestExpired", "TokenRefreshRequired"];

export const isExpired = ({ code }: Refusal): boolean => ENDED.includes(code);

/** What a text in XML says of a refusal. */
export const refusalIn = (xml: string, status: number, statusText: string): Refusal => ({
  status,
  code: textOf(xml, "Code") ?? String(status),
  message: textOf(xml, "Message") ?? statusText,
});

/** An answer's refusal, in XML as S3 has it. */
export async function refusalOf(response: Response): Promise<Refusal> {
  if (response.type === "opaqueredirect") return { status: 301, code: "PermanentRedirect", message: "" };
  return refusalIn((await response.text()).slice(0, 10_000), response.status, response.statusText);
}

/** Codes of an object that is not there; answers without a body have their status. */
const MISSING = ["NoSuchKey", "404"];

/** What to do about it, by S3's codes. */
const ADVICE: Readonly<Record<string, string>> = {
  AccessDenied:
    "these credentials may not do that, or, where they may not list the bucket either, there is no such object",
  InvalidAccessKeyId:
    "the access key does not exist there: give readerOptions.s3.credentials, or set AWS_PROFILE",
  SignatureDoesNotMatch: "the secret key is not that of the access key",
  RequestTimeTooSkewed: "this machine's clock is wrong",
  NoSuchBucket: "look at the bucket's name, and at the endpoint",
  AuthorizationHeaderMalformed: "set readerOptions.s3.region or AWS_REGION to the bucket's region",
  PermanentRedirect: "set readerOptions.s3.region or AWS_REGION to the bucket's region",
};

/** The error for an answer that asking again would not change. */
export const refused: Signature<Credentials>["refused"] = (url, { headers }, refusal, signed) => {
  const { code } = refusal;
  const region = headers.get("x-amz-bucket-region");
  const advice = isExpired(refusal)
    ? ["the credentials have ended: give new ones, or a function that gets them"]
    : signed
      ? [ADVICE[code]]
      : [ADVICE[code] ?? "it was asked for without credentials", "no credentials were found to sign with"];
  if (region !== null) advice.push(`the bucket is in ${region}`);
  return refusedBy("S3", url, refusal, MISSING.includes(code), advice);
};
