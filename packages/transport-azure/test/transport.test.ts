import { writeFile } from "node:fs/promises";
import type { IncomingHttpHeaders } from "node:http";
import { join } from "node:path";
import { type AzureOptions, azure } from "@lazyimg/transport-azure";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { loopback, readByte, testWithout } from "../../../tests/support/stores/loopback.js";

const urlOf = (url: string, options: AzureOptions = {}): string =>
  azure(url, { readerOptions: { azure: options } }).url;

beforeEach(() => {
  for (const name of Object.keys(process.env).filter((key) => key.startsWith("AZURE_"))) {
    vi.stubEnv(name, undefined);
  }
  vi.stubEnv("AZURE_CONFIG_DIR", "/nowhere");
});
afterEach(() => {
  vi.unstubAllEnvs();
});

describe("where a blob is", () => {
  const mine = { account: "mine" };
  const cases: [string, AzureOptions, string][] = [
    ["az://scans/a/scan.nii", mine, "https://mine.blob.core.windows.net/scans/a/scan.nii"],
    ["abfs://scans/a", mine, "https://mine.blob.core.windows.net/scans/a"],
    ["abfs://scans@their.dfs.core.windows.net/a", mine, "https://their.blob.core.windows.net/scans/a"],
    ["abfss://scans@their.blob.core.windows.net/a", {}, "https://their.blob.core.windows.net/scans/a"],
    ["abfss://s-1@their.dfs.core.chinacloudapi.cn/a", {}, "https://their.blob.core.chinacloudapi.cn/s-1/a"],
    ["az://scans/a", { endpoint: "http://azurite:10000/dev/" }, "http://azurite:10000/dev/scans/a"],
    ["az://$root", mine, "https://mine.blob.core.windows.net/$root/"],
    [
      "az://scans/größe + 50%/a?b#c/(1)'!*.nii",
      mine,
      "https://mine.blob.core.windows.net/scans/gr%C3%B6%C3%9Fe%20%2B%2050%25/a%3Fb%23c/(1)'!*.nii",
    ],
  ];
  test.each(cases)("%s %o", (url, options, expected) => {
    expect(urlOf(url, options)).toBe(expected);
  });

  test.each([
    ["az://", mine],
    ["az:///blob", mine],
    ["az://Scans_1/blob", mine],
    ["az://scans/a/../b", mine],
    ["az://scans/blob", {}],
    ["az://scans/blob", { endpoint: "azurite:10000" }],
    ["az://scans/blob", 7],
  ])("%s %o is refused", (url, options) => {
    expect(() => urlOf(url, options as AzureOptions)).toThrow(
      expect.objectContaining({ code: "ERR_INVALID_ARGUMENT" }),
    );
  });

  test("a host that is not Azure's gets no credentials", () => {
    for (const host of [
      "evil.example",
      "a.blob.core.windows.net.evil.example",
      "evil/.blob.core.windows.net",
    ]) {
      expect(() => urlOf(`abfss://scans@${host}/a`)).toThrow(/no host of Azure's/);
    }
  });
});

describe("what the machine says", () => {
  let headers: IncomingHttpHeaders = {};
  let target = "";
  let posted = "";
  const server = loopback((request, response) => {
    if (request.method === "POST") {
      request.on("data", (text) => {
        posted += text;
      });
      const isKnown = request.url === "/tenant/oauth2/v2.0/token";
      request.on("end", () =>
        response
          .writeHead(isKnown ? 200 : 401)
          .end(
            JSON.stringify(
              isKnown ? { access_token: "TOKEN", expires_in: 3600 } : { error_description: "No such tenant" },
            ),
          ),
      );
      return;
    }
    headers = request.headers;
    target = request.url!;
    response.writeHead(206, { "content-range": "bytes 0-0/1" }).end("x");
  });
  beforeEach(() => {
    posted = "";
  });

  const ask = (options: AzureOptions = {}): Promise<void> => readByte("az://scans/a.nii", { azure: options });

  test("a connection string", async () => {
    vi.stubEnv(
      "AZURE_STORAGE_CONNECTION_STRING",
      `DefaultEndpointsProtocol=https;AccountName=mine;AccountKey=${btoa("k")};BlobEndpoint=${server.endpoint}/mine;`,
    );
    await ask();
    expect(headers.authorization).toMatch(/^SharedKey mine:/);
    expect(target).toBe("/mine/scans/a.nii");
    // Another account is not at that endpoint.
    const { url } = azure("abfs://scans@other.dfs.core.windows.net/a", {});
    expect(url).toBe("https://other.blob.core.windows.net/scans/a");
  });

  test("variables, and none of them where they are not wanted", async () => {
    const { endpoint } = server;
    vi.stubEnv("AZURE_STORAGE_ACCOUNT", "mine");
    vi.stubEnv("AZURE_STORAGE_SAS_TOKEN", "?sv=1&sig=a%2Bb");
    expect(urlOf("az://scans/a")).toBe("https://mine.blob.core.windows.net/scans/a");
    await ask({ endpoint });
    expect(target).toBe("/scans/a.nii?sv=1&sig=a%2Bb");
    await ask({ endpoint, credentials: false });
    expect(target).toBe("/scans/a.nii");
    expect(headers.authorization).toBeUndefined();
    await ask({ endpoint, credentials: { token: "OPTION" } });
    expect(headers.authorization).toBe("Bearer OPTION");
    vi.stubEnv("AZURE_STORAGE_KEY", btoa("k"));
    await ask({ endpoint });
    expect(headers.authorization).toMatch(/^SharedKey mine:/);
  });

  test("the az command's configuration", async () => {
    const { endpoint, folder } = server;
    await writeFile(
      join(folder, "config"),
      `[core]\nkey=no\n[storage]\naccount = theirs\nkey = ${btoa("k")}\n`,
    );
    vi.stubEnv("AZURE_CONFIG_DIR", folder);
    await ask({ endpoint });
    expect(headers.authorization).toMatch(/^SharedKey theirs:/);
  });

  test("a service principal, by a secret and by a federated token", async () => {
    const { endpoint, folder } = server;
    vi.stubEnv("AZURE_AUTHORITY_HOST", `${endpoint}/`);
    vi.stubEnv("AZURE_TENANT_ID", "tenant");
    vi.stubEnv("AZURE_CLIENT_ID", "client");
    vi.stubEnv("AZURE_CLIENT_SECRET", "s3cret");
    await ask({ endpoint });
    expect(headers.authorization).toBe("Bearer TOKEN");
    expect(headers["x-ms-version"]).toMatch(/^\d{4}-\d\d-\d\d$/);
    expect(Object.fromEntries(new URLSearchParams(posted))).toEqual({
      grant_type: "client_credentials",
      client_id: "client",
      client_secret: "s3cret",
      scope: "https://storage.azure.com/.default",
    });
    posted = "";
    vi.stubEnv("AZURE_CLIENT_SECRET", undefined);
    vi.stubEnv("AZURE_FEDERATED_TOKEN_FILE", join(folder, "token"));
    await writeFile(join(folder, "token"), "ASSERTION\n");
    await ask({ endpoint });
    expect(new URLSearchParams(posted).get("client_assertion")).toBe("ASSERTION");
    vi.stubEnv("AZURE_TENANT_ID", "stranger");
    await expect(ask({ endpoint })).rejects.toMatchObject({
      code: "ERR_HTTP",
      message: expect.stringMatching(/no token for AZURE_CLIENT_ID client: 401 No such tenant/),
    });
  });

  test("what are no credentials", async () => {
    const { endpoint } = server;
    for (const nothing of [
      {},
      "key",
      { accountKey: 7 },
      { token: "a", sasToken: "b" },
      { accountKey: "%" },
    ]) {
      const options = { account: "mine", endpoint, credentials: nothing as never };
      await expect(ask(options)).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
    }
    await expect(ask({ endpoint, credentials: { accountKey: btoa("k") } })).rejects.toMatchObject({
      code: "ERR_INVALID_ARGUMENT",
      message: expect.stringContaining("account"),
    });
  });
});

testWithout(["az", "abfs", "abfss"], "-azure");
