import type { Remote, TransportRequest } from "@lazyimg/byte-source";
import { signing } from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";
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
  const { fetch: own, readerOptions } = request;
  const options = optionsOf(readerOptions?.gcs);
  const { credentials: source } = options;
  const known = environment();
  const address = addressOf(url);
  const service = serviceOf(options.endpoint ?? known.endpoint);
  const keyring = keyringOf(source, known.credentials);
  // A fetch of the caller's that comes without credentials has its own.
  const send = own && source === undefined ? own : signing(keyring, signature, own ?? fetch);
  return {
    url: urlOf(service, address),
    fetch: send,
    async writer() {
      const { gcsWriter } = await import("./writer.js");
      return gcsWriter({ address, service, fetch: send, request });
    },
  };
}

function optionsOf(given: unknown): GcsOptions {
  if (given !== undefined && (typeof given !== "object" || given === null)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `readerOptions.gcs is { endpoint, credentials }, not ${String(given)}`,
    );
  }
  return given ?? {};
}
