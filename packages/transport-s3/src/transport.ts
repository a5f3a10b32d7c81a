import type { Remote, TransportRequest } from "@lazyimg/byte-source";
import { optionsOf, signedFetch } from "@lazyimg/byte-source/remote";
import { environment } from "#environment";
import { addressOf, urlOf } from "./address.js";
import { type CredentialSource, keyringOf } from "./credentials.js";
import { signatureOf } from "./signer.js";

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
export function s3(url: string, request: TransportRequest): Remote {
  const options = optionsOf<S3Options>("s3", "{ region, endpoint, pathStyle, credentials }", request);
  const { credentials } = options;
  const known = environment();
  const address = addressOf(url);
  const region = options.region ?? known.region ?? "us-east-1";
  const endpoint = options.endpoint ?? known.endpoint;
  // A dot in a bucket's name is none that a certificate covers.
  const pathStyle = options.pathStyle ?? (endpoint !== undefined || address.bucket.includes("."));
  const service = { region, endpoint, pathStyle };
  const keyring = keyringOf(credentials, known.credentials);
  const fetch = signedFetch(request, credentials !== undefined, keyring, signatureOf(region));
  return {
    url: urlOf(service, address),
    fetch,
    writer: async () => (await import("./writer.js")).s3Writer({ address, service, fetch, request }),
  };
}
