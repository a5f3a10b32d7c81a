import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { tokenFrom } from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";
import type { Token } from "./credentials.js";
import { isGranting, tokenFor } from "./grant.js";

/** What the machine says of Google Cloud. */
export interface Environment {
  readonly endpoint?: string | undefined;
  /** @throws LazyImageError `ERR_INVALID_ARGUMENT` for a key file that is not there or none, and `ERR_HTTP` */
  credentials(): Promise<Token | null>;
}

/** How long the metadata server may take to say that it is there, in milliseconds. */
const PATIENCE = 1000;

/** One function for all, so that all share its token. */
const token = (): Promise<Token | null> => applicationDefault();

/**
 * Application Default Credentials, as Google's own tools look for them: the key file that
 * `GOOGLE_APPLICATION_CREDENTIALS` names, or that of `gcloud auth application-default login`, or the metadata server of a
 * machine at Google. `STORAGE_EMULATOR_HOST` is another endpoint, which wants no credentials.
 */
export function environment(): Environment {
  const emulator = process.env.STORAGE_EMULATOR_HOST;
  if (!emulator) return { credentials: token };
  return { endpoint: /^https?:/i.test(emulator) ? emulator : `http://${emulator}`, credentials: none };
}

const none = async (): Promise<null> => null;

async function applicationDefault(): Promise<Token | null> {
  const { env } = process;
  const named = env.GOOGLE_APPLICATION_CREDENTIALS;
  if (named) return fromFile(named);
  const folder =
    env.CLOUDSDK_CONFIG ||
    (process.platform === "win32"
      ? join(env.APPDATA ?? homedir(), "gcloud")
      : join(homedir(), ".config", "gcloud"));
  const usual = join(folder, "application_default_credentials.json");
  const isThere = await readFile(usual).then(
    () => true,
    () => false,
  );
  return isThere ? fromFile(usual) : fromMetadata();
}

async function fromFile(path: string): Promise<Token> {
  let file: unknown;
  try {
    file = JSON.parse(await readFile(path, "utf8"));
  } catch (cause) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `${path} is no key file of Google Cloud: ${(cause as Error).message}; look at GOOGLE_APPLICATION_CREDENTIALS`,
      { cause },
    );
  }
  if (isGranting(file)) return tokenFor(file);
  throw new LazyImageError(
    "ERR_INVALID_ARGUMENT",
    `${path} is of type ${JSON.stringify(Object(file).type)}: of key files, service_account and authorized_user are understood; for others give readerOptions.gcs.credentials a function that gets { token }`,
  );
}

/** The token of a machine at Google; `null` anywhere else. */
async function fromMetadata(): Promise<Token | null> {
  const { NO_GCE_CHECK: skip, GCE_METADATA_HOST: host } = process.env;
  if (skip === "true" && !host) return null;
  const server = `http://${host || "metadata.google.internal"}/computeMetadata/v1`;
  const headers = { "metadata-flavor": "Google" };
  const isThere = await fetch(`${server}/`, { headers, signal: AbortSignal.timeout(PATIENCE) }).then(
    (answer) => answer.headers.get("metadata-flavor") === "Google",
    () => false,
  );
  if (!isThere) return null;
  const url = `${server}/instance/service-accounts/default/token`;
  return tokenFrom(url, { headers }, "this machine's service account");
}
