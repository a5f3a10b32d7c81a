import type { Remote, TransportRequest } from "@lazyimg/byte-source";
import { optionsOf, signedFetch } from "@lazyimg/byte-source/remote";
import { environment } from "#environment";
import { addressOf, serviceOf, urlOf } from "./address.js";
import { type CredentialSource, keyringOf } from "./credentials.js";
import { signature } from "./signer.js";

/** `readerOptions.gcs`. What is left out comes from the environment and the key files of Google's tools, in Node. */
export interface GcsOptions {
  /** The http(s) URL of another service than Google's, such as an emulator. */
  readonly endpoint?: string | undefined;
  /** A token, what gets one, the content of a key file, or `false` for none, as public buckets want it. */
  readonly credentials?: CredentialSource | undefined;
}

/**
 * Where an object is, and how it is asked for: with a token by `readerOptions.gcs` or the environment, by the caller's
 * `fetch` where there is one, or without.
 *
 * @param url `gs://bucket/object`, the name as it is, without escapes
 * @throws LazyImageError `ERR_INVALID_ARGUMENT` for a URL or options that make no sense. Requests throw `ERR_NOT_FOUND`
 * and `ERR_HTTP` with Google's own code in the message; what may pass (429, 5xx) is asked again by the source.
 */
export function gcs(url: string, request: TransportRequest): Remote {
  const options = optionsOf<GcsOptions>("gcs", "{ endpoint, credentials }", request);
  const { credentials } = options;
  const known = environment();
  const address = addressOf(url);
  const service = serviceOf(options.endpoint ?? known.endpoint);
  const keyring = keyringOf(credentials, known.credentials);
  const fetch = signedFetch(request, credentials !== undefined, keyring, signature);
  return {
    url: urlOf(service, address),
    fetch,
    writer: async () => (await import("./writer.js")).gcsWriter({ address, service, fetch, request }),
  };
}
