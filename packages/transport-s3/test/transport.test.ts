import { writeFile } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import { type S3Options, s3 } from "@lazyimg/transport-s3";
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { loopback, readByte, testWithout } from "../../../tests/support/stores/loopback.js";

const urlOf = (url: string, options: S3Options = {}): string =>
  s3(url, { readerOptions: { s3: options } }).url;

describe("where an object is", () => {
  beforeEach(() => {
    for (const name of ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_S3"]) {
      vi.stubEnv(name, "");
    }
    vi.stubEnv("AWS_CONFIG_FILE", "/nowhere");
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  const cases: [string, S3Options, string][] = [
    ["s3://bucket/a/scan.nii", {}, "https://bucket.s3.us-east-1.amazonaws.com/a/scan.nii"],
    ["s3://bucket/a", { region: "eu-west-3" }, "https://bucket.s3.eu-west-3.amazonaws.com/a"],
    ["s3://bucket/a", { pathStyle: true }, "https://s3.us-east-1.amazonaws.com/bucket/a"],
    ["s3://with.dots/a", {}, "https://s3.us-east-1.amazonaws.com/with.dots/a"],
    ["S3://bucket/a", { endpoint: "http://minio:9000" }, "http://minio:9000/bucket/a"],
    ["s3://bucket/a", { endpoint: "https://host/store/" }, "https://host/store/bucket/a"],
    ["s3://bucket/a", { endpoint: "https://r2.example", pathStyle: false }, "https://bucket.r2.example/a"],
    ["s3://bucket", {}, "https://bucket.s3.us-east-1.amazonaws.com/"],
    [
      "s3://bucket/größe + 50%/a?b#c/(1)'!*.nii",
      {},
      "https://bucket.s3.us-east-1.amazonaws.com/gr%C3%B6%C3%9Fe%20%2B%2050%25/a%3Fb%23c/%281%29%27%21%2A.nii",
    ],
  ];
  test.each(cases)("%s %o", (url, options, expected) => {
    expect(urlOf(url, options)).toBe(expected);
  });

  test.each(["s3://", "s3:///key", "s3://-/key", "s3://bucket/a/../b.nii", "s3://bucket/./b.nii"])(
    "%s is refused",
    (url) => {
      expect(() => urlOf(url)).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    },
  );

  test.each([7, null, { endpoint: "minio:9000" }, { endpoint: "ftp://host" }, { endpoint: "https://" }])(
    "options %o are refused",
    (options) => {
      const open = () => s3("s3://bucket/a", { readerOptions: { s3: options } });
      expect(open).toThrow(expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }));
    },
  );
});

describe("what the machine says", () => {
  let headers: IncomingHttpHeaders = {};
  const server = loopback((request, response) => {
    headers = request.headers;
    response.writeHead(206, { "content-range": "bytes 0-0/1" }).end("x");
  });

  beforeAll(async () => {
    const { endpoint, folder } = server;
    await writeFile(
      join(folder, "credentials"),
      "# mine\n[default]\naws_access_key_id = DEFAULT\naws_secret_access_key=a=b\n[work]\naws_access_key_id=WORK\naws_secret_access_key=c\naws_session_token=t\n",
    );
    await writeFile(
      join(folder, "config"),
      `[default]\nendpoint_url = ${endpoint}\n[profile work]\nregion = eu-north-1\nendpoint_url = ${endpoint}\n[profile sso]\nsso_session = us\n`,
    );
  });
  beforeEach(() => {
    for (const name of Object.keys(process.env).filter((key) => key.startsWith("AWS_"))) {
      vi.stubEnv(name, undefined);
    }
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(server.folder, "credentials"));
    vi.stubEnv("AWS_CONFIG_FILE", join(server.folder, "config"));
  });
  afterEach(() => {
    vi.unstubAllEnvs();
  });

  async function asked(options: S3Options = {}): Promise<IncomingHttpHeaders> {
    await readByte("s3://bucket/a.nii", { s3: options });
    return headers;
  }

  test("a profile of the default name", async () => {
    expect((await asked()).authorization).toMatch(/Credential=DEFAULT\/\d+\/us-east-1\/s3\/aws4_request/);
  });

  test("another profile, with region and token", async () => {
    vi.stubEnv("AWS_PROFILE", "work");
    const { authorization, "x-amz-security-token": token } = await asked();
    expect(authorization).toMatch(/Credential=WORK\/\d+\/eu-north-1\/s3/);
    expect(token).toBe("t");
  });

  test("variables win over profiles, options over both", async () => {
    vi.stubEnv("AWS_ACCESS_KEY_ID", "VARIABLE");
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "v");
    vi.stubEnv("AWS_REGION", "ap-south-1");
    expect((await asked()).authorization).toMatch(/Credential=VARIABLE\/\d+\/ap-south-1/);
    const credentials = { accessKeyId: "OPTION", secretAccessKey: "o" };
    expect((await asked({ credentials, region: "eu-west-1" })).authorization).toMatch(
      /Credential=OPTION\/\d+\/eu-west-1/,
    );
    expect((await asked({ credentials: false })).authorization).toBeUndefined();
  });

  test.each([
    ["sso", "no keys of its own"],
    ["nobody", "there is no profile"],
  ])("a profile %s that has no keys", async (name, message) => {
    vi.stubEnv("AWS_PROFILE", name);
    await expect(asked({ endpoint: server.endpoint })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining(message),
    });
  });
});

testWithout(["s3"], "@lazyimg/transport-s3");
