import { createHmac } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import "@lazyimg/backend-nifti";
import "@lazyimg/backend-zarr";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { openImage } from "@lazyimg/image";
import type { AzureOptions } from "@lazyimg/transport-azure";
import "@lazyimg/transport-azure";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { account, accountKey, azureStore, CONTAINER } from "../../../tests/support/stores/azure.js";
import type { ObjectStore } from "../../../tests/support/stores/store.js";

const PHANTOM = fileURLToPath(new URL("../../../examples/phantom.nii.gz", import.meta.url));
const KEY = "a study/größe + 100%/scan.nii.gz";

/** A shared access signature of the account ("Create an account SAS"), by Node's own cryptography. */
function sasOf(permissions: string, minutes: number): string {
  const ends = `${new Date(Date.now() + minutes * 60_000).toISOString().slice(0, 19)}Z`;
  const begins = `${new Date(Date.now() - 3_600_000).toISOString().slice(0, 19)}Z`;
  const version = "2021-12-02";
  const fields = [account, permissions, "b", "co", begins, ends, "", "http,https", version, "", ""];
  const hmac = createHmac("sha256", Buffer.from(accountKey, "base64")).update(fields.join("\n"));
  const query = { sv: version, ss: "b", srt: "co", sp: permissions, st: begins, se: ends, spr: "http,https" };
  return new URLSearchParams({ ...query, sig: hmac.digest("base64") }).toString();
}

describe.skipIf(!azureStore.hasServer)("a server that checks keys and signatures", () => {
  let store: ObjectStore;
  beforeAll(async () => {
    store = await azureStore.start();
    await store.put(KEY, await readFile(PHANTOM));
  });
  afterAll(() => store.close());

  const optionsOf = (options: AzureOptions) => ({
    readerOptions: { azure: { account, endpoint: store.endpoint, ...options }, retries: 0 },
  });
  async function shapeBy(options: AzureOptions): Promise<readonly number[]> {
    const image = await openImage(`az://${CONTAINER}/${KEY}`, optionsOf(options));
    await image.close();
    return image.shape;
  }

  test("a key, a signature, and a URL that is signed already", async () => {
    expect(await shapeBy({ credentials: { accountKey } })).toEqual([1, 128, 150, 64]);
    expect(await shapeBy({ credentials: { sasToken: sasOf("r", 10) } })).toEqual([1, 128, 150, 64]);
    const path = KEY.split("/").map(encodeURIComponent).join("/");
    const image = await openImage(`${store.endpoint}/${CONTAINER}/${path}?${sasOf("r", 10)}`);
    expect(image.shape).toEqual([1, 128, 150, 64]);
    await image.close();
  });

  test("wrong ones, and none", async () => {
    const wrong = (credentials: AzureOptions["credentials"]) => shapeBy({ credentials });
    await expect(wrong({ accountKey: btoa("guess") })).rejects.toMatchObject({
      code: "ERR_HTTP",
      message: expect.stringMatching(/403 AuthorizationFailure|403 AuthenticationFailed/),
    });
    await expect(wrong({ sasToken: sasOf("r", 10).replace(/sig=.*/, "sig=guess") })).rejects.toMatchObject({
      code: "ERR_HTTP",
      message: expect.stringMatching(/Azure answers 403/),
    });
    await expect(wrong(false)).rejects.toMatchObject({
      message: expect.stringMatching(/Azure answers 4\d\d .*no credentials were found/),
    });
  });

  test("a signature that has ended is renewed, once", async () => {
    let given = 0;
    const renew = () => ({ sasToken: sasOf("r", given++ === 0 ? -10 : 10) });
    expect(await shapeBy({ credentials: renew })).toEqual([1, 128, 150, 64]);
    expect(given).toBe(2);
    const ended = () => ({ sasToken: sasOf("r", -10) });
    await expect(shapeBy({ credentials: ended })).rejects.toMatchObject({
      code: "ERR_HTTP",
      message: expect.stringMatching(/403 .*ended/),
    });
  });

  test("a signature that may read only, and one that may not list", async () => {
    const image = await openImage(PHANTOM);
    const write = (permissions: string, options = {}) =>
      writeNiftiZarr(image.dataobj, `az://${CONTAINER}/sas.nii.zarr`, {
        ...optionsOf({ credentials: { sasToken: sasOf(permissions, 10) } }),
        ...options,
      });
    await expect(write("r")).rejects.toMatchObject({
      code: "ERR_HTTP",
      message: expect.stringMatching(/403 AuthorizationPermissionMismatch .*SAS/),
    });
    await write("rcwd");
    await expect(write("rcwd")).rejects.toMatchObject({ code: "ERR_EXISTS" });
    const again = await openImage(
      `az://${CONTAINER}/sas.nii.zarr`,
      optionsOf({ credentials: { sasToken: sasOf("r", 10) } }),
    );
    const plane = [0, null, null, 32] as const;
    expect((await again.read([...plane])).copy("C")).toEqual((await image.read([...plane])).copy("C"));
    await again.close();
    await image.close();
  });
});
