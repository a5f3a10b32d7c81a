import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import "@lazyimg/backend-nifti";
import "@lazyimg/backend-nrrd";
import "@lazyimg/backend-zarr";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { bytesSource } from "@lazyimg/byte-source";
import { createRequest, resolveBackend } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { buildIndex, writeIndex } from "@lazyimg/seekable-gzip";
import "@lazyimg/transport-s3";
import { type S3Options, s3 } from "@lazyimg/transport-s3";
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from "vitest";
import { BUCKET, credentials, s3Store } from "../../../tests/support/stores/s3.js";
import type { ObjectStore } from "../../../tests/support/stores/store.js";

const PHANTOM = fileURLToPath(new URL("../../../examples/phantom.nii.gz", import.meta.url));
const PLANE = [0, null, null, 32] as const;
/** Characters that URLs and signatures escape in ways of their own. */
const FOLDER = "a study/größe + 100%/(1)'!*";

let store: ObjectStore;
let expected: unknown;

/** Opens what is under a key, and gives one plane. */
async function planeOf(key: string, options: S3Options = {}): Promise<unknown> {
  const s3 = { endpoint: store.endpoint, credentials, ...options };
  const image = await openImage(`s3://${BUCKET}/${key}`, { readerOptions: { s3, retries: 1 } });
  const { data } = (await image.read([...PLANE])).copy("C");
  await image.close();
  return data;
}

describe.skipIf(!s3Store.hasServer)("a server that checks signatures", () => {
  beforeAll(async () => {
    store = await s3Store.start();
    const image = await openImage(PHANTOM);
    expected = (await image.read([...PLANE])).copy("C").data;
    await store.put(`${FOLDER}/scan.nii.gz`, await readFile(PHANTOM));
    const { data } = await image.read();
    const header = `NRRD0004\ntype: short\ndimension: 3\nsizes: ${image.spatialShape.join(" ")}\nendian: little\nencoding: raw\n`;
    await store.put(`${FOLDER}/scan.nhdr`, Buffer.from(`${header}data file: below/scan #1.raw\n\n`));
    await store.put(`${FOLDER}/below/scan #1.raw`, new Uint8Array(data.buffer as ArrayBuffer));
    const objects = new Map<string, Uint8Array>();
    const backend = (await resolveBackend(createRequest(PHANTOM)))!;
    await writeNiftiZarr(backend, objects, { levels: 1 });
    await backend.close?.();
    for (const [key, bytes] of objects) await store.put(`${FOLDER}/scan.nii.zarr${key}`, bytes);
    await image.close();
  });

  afterEach(() => {
    store.behave();
  });

  afterAll(() => store.close());

  describe("what is read", () => {
    test.each(["scan.nii.gz", "scan.nhdr", "scan.nii.zarr", "scan.nii.zarr/"])("%s", async (name) => {
      expect(await planeOf(`${FOLDER}/${name}`)).toEqual(expected);
    });

    test("a header, by one range", async () => {
      store.log();
      const s3 = { endpoint: store.endpoint, credentials };
      const image = await openImage(`s3://${BUCKET}/${FOLDER}/scan.nii.gz`, { readerOptions: { s3 } });
      expect(image.shape).toEqual([1, 128, 150, 64]);
      expect(store.log()).toHaveLength(1);
      await image.close();
    });

    test("a sidecar beside a .nii.gz", async () => {
      const file = await readFile(PHANTOM);
      await store.put("with/scan.nii.gz", file);
      await store.put("with/scan.nii.gz.gzidx", writeIndex(await buildIndex(bytesSource(file))));
      expect(await planeOf("with/scan.nii.gz")).toEqual(expected);
      expect(store.log()).toContain(`GET /${BUCKET}/with/scan.nii.gz.gzidx`);
    });
  });

  test("the command", async () => {
    vi.stubEnv("AWS_ENDPOINT_URL", store.endpoint);
    vi.stubEnv("AWS_ACCESS_KEY_ID", credentials.accessKeyId);
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", credentials.secretAccessKey);
    const main = fileURLToPath(new URL("../../lazyimg/bin/lazyimg.cjs", import.meta.url));
    const run = (...args: string[]) =>
      promisify(execFile)(process.execPath, [main, ...args, "--plugin", "@lazyimg/transport-s3"], {
        cwd: fileURLToPath(new URL("..", import.meta.url)),
      });
    const url = `s3://${BUCKET}/${FOLDER}/scan.nii`;
    const gzip = JSON.parse((await run("info", `${url}.gz`, "--json")).stdout);
    expect(gzip).toMatchObject({ backend: "nifti", shape: [1, 128, 150, 64] });
    const zarr = JSON.parse((await run("info", `${url}.zarr`, "--json")).stdout);
    expect(zarr).toMatchObject({ shape: [1, 128, 150, 64] });
    const out = join(await mkdtemp(join(tmpdir(), "lazyimg-s3-out-")), "scan.nii");
    await run("convert", `${url}.zarr`, out);
    const image = await openImage(out);
    expect((await image.read([...PLANE])).copy("C").data).toEqual(expected);
    await image.close();
    await rm(dirname(out), { recursive: true });
    vi.unstubAllEnvs();
  });

  describe("credentials", () => {
    const key = `${FOLDER}/scan.nii.gz`;

    test("a wrong secret, an unknown key, and none", async () => {
      const wrong = (given: S3Options["credentials"]) => planeOf(key, { credentials: given });
      await expect(wrong({ ...credentials, secretAccessKey: "guess" })).rejects.toMatchObject({
        code: "ERR_HTTP",
        message: expect.stringMatching(/403 SignatureDoesNotMatch .*secret key/),
      });
      await expect(wrong({ ...credentials, accessKeyId: "NOBODY" })).rejects.toMatchObject({
        code: "ERR_HTTP",
        message: expect.stringMatching(/InvalidAccessKeyId|XAdminUserNotFound/),
      });
      await expect(wrong(false)).rejects.toMatchObject({
        code: "ERR_HTTP",
        message: expect.stringMatching(/S3 answers 40[03] \w+ .*no credentials/),
      });
      expect(store.log()).toHaveLength(3);
    });

    test("are got once by all who need them, and again when the server calls them expired", async () => {
      let given = 0;
      const renew = async () => ({ ...credentials, sessionToken: `session ${++given}` });
      store.instead = ({ headers }, response) =>
        headers["x-amz-security-token"] === "session 1" && store.log().length > 0 && given === 1
          ? s3Store.refuse(response, 400, "ExpiredToken")
          : false;
      expect(await planeOf(key, { credentials: renew })).toEqual(expected);
      expect(given).toBe(2);
    });

    test("that end in the middle of a read are renewed before it goes on", async () => {
      let given = 0;
      const renew = () => ({
        ...credentials,
        expiration: new Date(Date.now() + (++given === 1 ? 0 : 3_600_000)),
      });
      expect(await planeOf(key, { credentials: renew })).toEqual(expected);
      expect(given).toBe(2);
    });

    test("that cannot be renewed are told of", async () => {
      store.instead = (_, response) => s3Store.refuse(response, 400, "ExpiredToken");
      await expect(planeOf(key, { credentials: () => ({ ...credentials }) })).rejects.toMatchObject({
        code: "ERR_HTTP",
        message: expect.stringMatching(/ExpiredToken .*have ended/),
      });
      expect(store.log()).toHaveLength(2);
    });

    test("a failure to get them is the read's, and what are none are refused", async () => {
      const failure = new Error("the broker is away");
      const failing = () => Promise.reject(failure);
      await expect(planeOf(key, { credentials: failing })).rejects.toMatchObject({
        message: expect.stringContaining("the broker is away"),
      });
      for (const nothing of [{}, "key:secret", () => ({ accessKeyId: 7 })]) {
        await expect(planeOf(key, { credentials: nothing as never })).rejects.toMatchObject({
          code: "ERR_INVALID_ARGUMENT",
        });
      }
    });

    test("a fetch of the caller's brings its own", async () => {
      const asked: string[] = [];
      const image = await openImage(`s3://${BUCKET}/${key}`, {
        readerOptions: { s3: { endpoint: store.endpoint } },
        fetch: async (input, init) => {
          asked.push(String(input));
          const { fetch } = s3(`s3://${BUCKET}/`, {
            readerOptions: { s3: { endpoint: store.endpoint, credentials } },
          });
          return fetch!(input, init);
        },
      });
      expect((await image.read([...PLANE])).copy("C").data).toEqual(expected);
      expect(new URL(asked[0]!).pathname).toContain(`/${BUCKET}/a%20study/`);
      await image.close();
    });
  });

  describe("what goes wrong", () => {
    test("no such key, no such bucket", async () => {
      await expect(planeOf("none.nii")).rejects.toMatchObject({
        code: "ERR_NOT_FOUND",
        message: expect.stringContaining("NoSuchKey"),
      });
      const s3 = { endpoint: store.endpoint, credentials };
      for (const name of ["scan.nii", "scan.nii.zarr"]) {
        await expect(openImage(`s3://nowhere/${name}`, { readerOptions: { s3 } })).rejects.toMatchObject({
          code: "ERR_HTTP",
          message: expect.stringMatching(/NoSuchBucket .*bucket's name/),
        });
      }
    });

    test("a store that is asked too often is asked again later", async () => {
      let slow = 2;
      store.instead = (_, response) =>
        slow-- > 0 && s3Store.refuse(response, 503, "SlowDown", { "retry-after": "0" });
      const s3 = { endpoint: store.endpoint, credentials };
      const image = await openImage(`s3://${BUCKET}/${FOLDER}/scan.nii.gz`, {
        readerOptions: { s3, retries: 2 },
      });
      expect((await image.read([...PLANE])).copy("C").data).toEqual(expected);
      await image.close();
    });

    test("a chunk that may not be read is an error, not a missing one", async () => {
      store.instead = ({ url }, response) =>
        /\/c\//.test(url!) && s3Store.refuse(response, 403, "AccessDenied");
      await expect(planeOf(`${FOLDER}/scan.nii.zarr`)).rejects.toMatchObject({
        code: "ERR_HTTP",
        message: expect.stringMatching(/AccessDenied .*may not list/),
      });
    });

    test("a bucket of another region", async () => {
      store.instead = (_, response) =>
        s3Store.refuse(response, 301, "PermanentRedirect", { "x-amz-bucket-region": "eu-central-1" });
      await expect(planeOf(`${FOLDER}/scan.nii.gz`)).rejects.toMatchObject({
        code: "ERR_HTTP",
        message: expect.stringMatching(/AWS_REGION.*eu-central-1/),
      });
    });

    test("an abort is the caller's reason", async () => {
      const s3 = { endpoint: store.endpoint, credentials };
      const reason = new Error("enough");
      const controller = new AbortController();
      store.instead = () => {
        controller.abort(reason);
        return true; // and never answers
      };
      const { signal } = controller;
      await expect(
        openImage(`s3://${BUCKET}/${FOLDER}/scan.nii.gz`, { readerOptions: { s3 }, signal }),
      ).rejects.toBe(reason);
    });
  });
});
