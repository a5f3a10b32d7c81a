import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { sectionOf } from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";
import type { Credentials } from "./credentials.js";

/** What the machine says of S3. */
export interface Environment {
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
  /** @throws LazyImageError `ERR_INVALID_ARGUMENT` for an `AWS_PROFILE` that is nowhere, or has no keys */
  credentials(): Credentials | null;
}

/** One section of a file; `undefined` where there is none. */
function section(file: string, name: string): Readonly<Record<string, string>> | undefined {
  try {
    return sectionOf(readFileSync(file, "utf8"), name);
  } catch {
    return undefined;
  }
}

/**
 * The variables and profile files of Amazon's own tools: `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`,
 * `AWS_SESSION_TOKEN`, `AWS_REGION`, `AWS_DEFAULT_REGION`, `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`; else, of
 * `AWS_PROFILE` (`default`), the keys in `~/.aws/credentials` and `~/.aws/config`. Roles and single sign-on are not
 * resolved.
 */
export function environment(): Environment {
  const { env } = process;
  const name = env.AWS_PROFILE ?? "default";
  const folder = join(homedir(), ".aws");
  const secrets = section(env.AWS_SHARED_CREDENTIALS_FILE ?? join(folder, "credentials"), name);
  const config = section(env.AWS_CONFIG_FILE ?? join(folder, "config"), name);
  const profile = { ...config, ...secrets };
  return {
    region: env.AWS_REGION || env.AWS_DEFAULT_REGION || profile.region,
    endpoint: env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL || profile.endpoint_url,
    credentials() {
      const found =
        pair(env.AWS_ACCESS_KEY_ID, env.AWS_SECRET_ACCESS_KEY, env.AWS_SESSION_TOKEN) ??
        pair(profile.aws_access_key_id, profile.aws_secret_access_key, profile.aws_session_token);
      if (found !== null || env.AWS_PROFILE === undefined) return found;
      throw new LazyImageError(
        "ERR_INVALID_ARGUMENT",
        `AWS_PROFILE is ${name}, ${(secrets ?? config) ? "which has no keys of its own" : "of which there is no profile"}. Roles and single sign-on are for the aws command: run \`aws configure export-credentials --profile ${name} --format env\`, or give readerOptions.s3.credentials.`,
      );
    },
  };
}

function pair(
  accessKeyId: string | undefined,
  secretAccessKey: string | undefined,
  sessionToken: string | undefined,
): Credentials | null {
  if (!accessKeyId || !secretAccessKey) return null;
  return { accessKeyId, secretAccessKey, sessionToken: sessionToken || undefined };
}
