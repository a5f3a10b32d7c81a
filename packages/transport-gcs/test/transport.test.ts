import { createPublicKey, createVerify, generateKeyPairSync, type KeyObject } from "node:crypto";
import { writeFile } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import { type GcsOptions, gcs } from "@lazyimg/transport-gcs";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { loopback, readByte, testWithout } from "../../../tests/support/stores/loopback.js";

const urlOf = (url: string, options: GcsOptions = {}): string =>
  gcs(url, { readerOptions: { gcs: options } }).url;

const VARIABLES = ["GOOGLE_APPLICATION_CREDENTIALS", "STORAGE_EMULATOR_HOST", "GCE_METADATA_HOST"];

beforeEach(() => {
  for (const name of VARIABLES) vi.stubEnv(name, undefined);
  vi.stubEnv("CLOUDSDK_CONFIG", "/nowhere");
  vi.stubEnv("NO_GCE_CHECK", "true");
});
afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

describe("where an object is", () => {
  const cases: [string, GcsOptions, string][] = [
    ["gs://scans/a/scan.nii", {}, "https://storage.googleapis.com/scans/a/scan.nii"],
    ["GCS://scans/a", {}, "https://storage.googleapis.com/scans/a"],
    ["gs://with.dots/a", { endpoint: "http://fake:4443/" }, "http://fake:4443/with.dots/a"],
    ["gs://scans", {}, "https://storage.googleapis.com/scans/"],
    [
      "gs://scans/größe + 50%/a?b#c/(1)'!*.nii",
      {},
      "https://storage.googleapis.com/scans/gr%C3%B6%C3%9Fe%20%2B%2050%25/a%3Fb%23c/(1)'!*.nii",
    ],
  ];
  test.each(cases)("%s %o", (url, options, expected) => {
    expect(urlOf(url, options)).toBe(expected);
  });

  test("an emulator", () => {
    vi.stubEnv("STORAGE_EMULATOR_HOST", "fake:4443");
    expect(urlOf("gs://scans/a")).toBe("http://fake:4443/scans/a");
  });

  test.each([
    ["gs://", {}],
    ["gs:///a", {}],
    ["gs://scans/a/../b", {}],
    ["gs://scans/a", { endpoint: "fake:4443" }],
    ["gs://scans/a", 7],
  ])("%s %o is refused", (url, options) => {
    expect(() => urlOf(url, options as GcsOptions)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });
});

describe("credentials", () => {
  let headers: IncomingHttpHeaders = {};
  /** What was asked of the token server, and how long its tokens hold. */
  let grants: Record<string, string>[] = [];
  let seconds = 3600;
  const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const server = loopback((request, response) => {
    if (request.url === "/token" || request.url?.endsWith("/default/token")) {
      let body = "";
      request.on("data", (text) => {
        body += text;
      });
      request.on("end", () => {
        const asked = Object.fromEntries(new URLSearchParams(body));
        grants.push(asked);
        const isWrong = asked.refresh_token === "revoked";
        response
          .writeHead(isWrong ? 400 : 200, { "metadata-flavor": "Google" })
          .end(
            JSON.stringify(
              isWrong
                ? { error: "invalid_grant", error_description: "Bad Request" }
                : { access_token: `TOKEN${grants.length}`, expires_in: seconds },
            ),
          );
      });
      return;
    }
    if (request.url?.startsWith("/computeMetadata")) {
      response.writeHead(200, { "metadata-flavor": "Google" }).end();
      return;
    }
    headers = request.headers;
    response.writeHead(206, { "content-range": "bytes 0-0/1" }).end("x");
  });
  beforeEach(() => {
    grants = [];
    seconds = 3600;
  });

  const account = () =>
    ({
      type: "service_account",
      client_email: "lazy@project.iam.gserviceaccount.com",
      private_key: pem,
      private_key_id: "k1",
      token_uri: `${server.endpoint}/token`,
    }) as const;
  const user = (refreshToken: string) =>
    ({
      type: "authorized_user",
      client_id: "id",
      client_secret: "s",
      refresh_token: refreshToken,
      token_uri: `${server.endpoint}/token`,
    }) as const;

  /** Reads a byte, and gives the token that came along. */
  async function askedWith(credentials?: GcsOptions["credentials"]): Promise<string | undefined> {
    const { endpoint } = server;
    await readByte("gs://scans/a.nii", { gcs: { endpoint, credentials }, retries: 0 });
    return headers.authorization;
  }

  function claimsIn(assertion: string, key: KeyObject): Record<string, unknown> {
    const [head, claims, signature] = assertion.split(".") as [string, string, string];
    expect(JSON.parse(Buffer.from(head, "base64url").toString())).toEqual({
      alg: "RS256",
      typ: "JWT",
      kid: "k1",
    });
    const verify = createVerify("RSA-SHA256").update(`${head}.${claims}`);
    expect(verify.verify(key, Buffer.from(signature, "base64url"))).toBe(true);
    return JSON.parse(Buffer.from(claims, "base64url").toString());
  }

  test("a service account's key signs for a token, which serves all that is read with it", async () => {
    const given = account();
    expect(await askedWith(given)).toBe("Bearer TOKEN1");
    expect(await askedWith(given)).toBe("Bearer TOKEN1");
    expect(grants).toHaveLength(1);
    expect(grants[0]!.grant_type).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
    const claims = claimsIn(
      grants[0]!.assertion!,
      createPublicKey(publicKey.export({ type: "spki", format: "pem" })),
    );
    expect(claims).toMatchObject({
      iss: given.client_email,
      aud: given.token_uri,
      scope: "https://www.googleapis.com/auth/devstorage.read_write",
    });
    expect(Number(claims.exp) - Number(claims.iat)).toBe(3600);
  });

  test("tokens are renewed before they end", async () => {
    const given = account();
    seconds = 30;
    expect(await askedWith(given)).toBe("Bearer TOKEN1");
    seconds = 3600;
    expect(await askedWith(given)).toBe("Bearer TOKEN2");
    expect(await askedWith(given)).toBe("Bearer TOKEN2");
  });

  test("a user's refresh token, a token, a function, none", async () => {
    expect(await askedWith(user("r"))).toBe("Bearer TOKEN1");
    expect(grants[0]).toEqual({
      grant_type: "refresh_token",
      client_id: "id",
      client_secret: "s",
      refresh_token: "r",
    });
    expect(await askedWith({ token: "MINE" })).toBe("Bearer MINE");
    expect(await askedWith(async () => ({ token: "BROKER" }))).toBe("Bearer BROKER");
    expect(await askedWith(false)).toBeUndefined();
  });

  test("the machine's: a key file, what gcloud left, the metadata server, none", async () => {
    const { endpoint, folder } = server;
    // However long the metadata server takes here, it is there.
    vi.spyOn(AbortSignal, "timeout").mockReturnValue(new AbortController().signal);
    const file = join(folder, "key.json");
    await writeFile(file, JSON.stringify(account()));
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", file);
    vi.resetModules();
    const fresh = async (): Promise<string | undefined> => {
      vi.resetModules();
      // All images of a process share the machine's token: each of these is another process.
      const { gcs: other } = await import("@lazyimg/transport-gcs/transport");
      const { url, fetch } = other("gs://scans/a", { readerOptions: { gcs: { endpoint } } });
      await fetch!(url, { headers: new Headers() });
      return headers.authorization;
    };
    expect(await fresh()).toBe("Bearer TOKEN1");
    vi.stubEnv("GOOGLE_APPLICATION_CREDENTIALS", undefined);
    vi.stubEnv("CLOUDSDK_CONFIG", folder);
    await writeFile(join(folder, "application_default_credentials.json"), JSON.stringify(user("r")));
    expect(await fresh()).toBe("Bearer TOKEN2");
    expect(grants[1]!.refresh_token).toBe("r");
    vi.stubEnv("CLOUDSDK_CONFIG", "/nowhere");
    vi.stubEnv("GCE_METADATA_HOST", new URL(endpoint).host);
    expect(await fresh()).toBe("Bearer TOKEN3");
    vi.stubEnv("GCE_METADATA_HOST", undefined);
    expect(await fresh()).toBeUndefined();
  });

  test("what are none, and what is refused", async () => {
    for (const nothing of [{}, "token", { token: 7 }, { ...account(), private_key: "none" }]) {
      await expect(askedWith(nothing as never)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    }
    await expect(askedWith(user("revoked"))).rejects.toMatchObject({
      code: "ERR_HTTP",
      message: expect.stringMatching(/no token for the user's refresh token: 400 invalid_grant/),
    });
  });
});

testWithout(["gs", "gcs"], "-gcs");
