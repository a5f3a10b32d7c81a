import type { Remote, TransportRequest } from "@lazyimg/byte-source";
import { LazyImageError } from "@lazyimg/core";
import { AwsV4Signer } from "aws4fetch";
import { environment } from "#environment";
import { addressOf, urlOf } from "./address.js";
import { type CredentialSource, type Credentials, type Keyring, keyringOf } from "./credentials.js";
import { isExpired, refusalOf, refused } from "./refusal.js";

/** `readerOptions.s3`. What is left out comes from the environment and the profile files of Amazon's tools, in Node. */
export interface S3Options {
  /** Such as `eu-central-1`; `us-east-1` where nothing says otherwise. */
  readonly region?: string | undefined;
  /** The http(s) URL of another store than Amazon's: MinIO, R2, Ceph. */
  readonly endpoint?: string | undefined;
  /** Whether the bucket goes into the path; so it is with an `endpoint` unless this is `false`. */
  readonly pathStyle?: boolean | undefined;
  /** Credentials, what gets them, or `false` for none, as public buckets want it. */
  readonly credentials?: CredentialSource | undefined;
}

/**
 * Where an object of S3 is, and how it is asked for: signed (Signature Version 4) with credentials of
 * `readerOptions.s3`, the environment or a profile, by the caller's `fetch` where there is one, or not signed at all.
 *
 * @param url `s3://bucket/key`, the key as it is, without escapes
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for a URL, options or a profile that make no sense. Requests throw
 * `ERR_NOT_FOUND` and `ERR_HTTP` with S3's own code in the message; what may pass (SlowDown, 5xx) is asked again by the
 * source.
 */
export function s3(url: string, { fetch: own, readerOptions }: TransportRequest): Remote {
  const options = optionsOf(readerOptions?.s3);
  const address = addressOf(url);
  const { credentials: source } = options;
  const known = environment();
  const region = options.region ?? known.region ?? "us-east-1";
  const endpoint = options.endpoint ?? known.endpoint;
  // A dot in a bucket's name is none that a certificate covers.
  const pathStyle = options.pathStyle ?? (endpoint !== undefined || address.bucket.includes("."));
  const keyring = keyringOf(source, known.credentials);
  return {
    url: urlOf(address, { region, endpoint, pathStyle }),
    // A fetch of the caller's that comes without credentials has its own.
    fetch: own && source === undefined ? own : signing(keyring, region, own ?? fetch),
  };
}

function optionsOf(given: unknown): S3Options {
  if (given !== undefined && (typeof given !== "object" || given === null)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `readerOptions.s3 is { region, endpoint, pathStyle, credentials }, not ${String(given)}`,
    );
  }
  return given ?? {};
}

/** A fetch that signs, and that tells refusals in words. Credentials that have ended are renewed once. */
function signing(keyring: Keyring, region: string, send: typeof fetch): typeof fetch {
  const signatures = new Map<string, ArrayBuffer>();
  async function ask(input: string, init: RequestInit, credentials: Credentials | null): Promise<Response> {
    if (credentials === null) return send(input, { ...init, redirect: "manual" });
    const signer = new AwsV4Signer({
      url: input,
      method: init.method ?? "GET",
      headers: init.headers as Headers,
      accessKeyId: credentials.accessKeyId,
      secretAccessKey: credentials.secretAccessKey,
      ...(credentials.sessionToken !== undefined && { sessionToken: credentials.sessionToken }),
      service: "s3",
      region,
      cache: signatures,
    });
    const signed = await signer.sign();
    // A redirect would take the session's token along.
    return send(signed.url, { ...init, headers: signed.headers, redirect: "manual" });
  }
  return async (input, init = {}) => {
    const url = String(input);
    let credentials = await keyring.get();
    for (let again = false; ; again = true) {
      const response = await ask(url, init, credentials);
      const { status } = response;
      // 416 tells the size, and the rest may pass: both are for who asked.
      if (response.ok || status === 416 || status === 408 || status === 429 || status >= 500) return response;
      const refusal = await refusalOf(response);
      if (again || credentials === null || !isExpired(refusal)) {
        throw refused(url, response, refusal, credentials !== null);
      }
      credentials = await keyring.get(credentials);
    }
  };
}
