import type { Signature } from "@lazyimg/byte-source/remote";
import { AwsV4Signer } from "aws4fetch";
import type { Credentials } from "./credentials.js";
import { isExpired, refusalOf, refused } from "./refusal.js";

/** Signature Version 4 for a region. What is sent is signed, too: what arrives is that. */
export function signatureOf(region: string): Signature<Credentials> {
  const cache = new Map<string, ArrayBuffer>();
  return {
    async sign(url, init, { accessKeyId, secretAccessKey, sessionToken }) {
      const headers = new Headers(init.headers);
      const { body } = init;
      if (body instanceof Uint8Array) {
        headers.set("x-amz-content-sha256", await sha256(body as Uint8Array<ArrayBuffer>));
      }
      const signer = new AwsV4Signer({
        url,
        method: init.method ?? "GET",
        headers,
        accessKeyId,
        secretAccessKey,
        ...(sessionToken !== undefined && { sessionToken }),
        service: "s3",
        region,
        cache,
      });
      const signed = await signer.sign();
      return { url: signed.url.href, init: { ...init, headers: signed.headers } };
    },
    refusalOf,
    isExpired,
    refused,
  };
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return Array.from(hash, (byte) => byte.toString(16).padStart(2, "0")).join("");
}
