import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { type Allowance, allowanceOf } from "../src/allow.js";
import { shareable } from "../src/locations.js";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "lazyimg-allow-")));
const inside = join(folder, "inside");
mkdirSync(join(inside, "deep"), { recursive: true });
mkdirSync(join(folder, "inside-not"));
mkdirSync(join(folder, "outside"));
writeFileSync(join(folder, "outside", "secret.nii"), "");
symlinkSync(join(folder, "outside"), join(inside, "link"));
symlinkSync(join(folder, "outside", "secret.nii"), join(inside, "file.nii"));
symlinkSync(join(folder, "outside", "new.zarr"), join(inside, "dangling.zarr"));
symlinkSync(join(inside, "loop"), join(inside, "loop"));
symlinkSync(inside, join(folder, "by-another-name"));
afterAll(() => rmSync(folder, { recursive: true }));

const isAllowed = (allowance: Allowance, location: string): Promise<boolean> =>
  allowance.check(location).then(
    () => true,
    (error: { code: string }) => {
      expect(error.code).toBe("ERR_NOT_ALLOWED");
      return false;
    },
  );

describe("folders", () => {
  test.each([
    [inside, true],
    [join(inside, "a.nii"), true],
    [join(inside, "deep", "not", "there", "yet.zarr"), true],
    [join(folder, "by-another-name", "a.nii"), true],
    [join(folder, "inside-not", "a.nii"), false],
    [join(folder, "outside", "secret.nii"), false],
    [folder, false],
    ["/etc/passwd", false],
    // What resolves to a place outside, or does not resolve.
    [`${inside}/../outside/secret.nii`, false],
    [`${inside}/deep/../a.nii`, false],
    [`${inside}//a.nii`, false],
    [`${inside}/./a.nii`, false],
    [`${inside}/a.nii/`, false],
    [join(inside, "link", "secret.nii"), false],
    [join(inside, "link", "new.zarr"), false],
    [join(inside, "file.nii"), false],
    [join(inside, "dangling.zarr"), false],
    [join(inside, "loop", "a.nii"), false],
    ["a.nii", false],
    ["./a.nii", false],
    ["~/a.nii", false],
    ["", false],
    [`${inside}/a.nii\0.zarr`, false],
    [`file://${inside}/a.nii`, false],
    [`FILE://${inside}/a.nii`, false],
  ])("%j: %j", async (location, allowed) => {
    expect(await isAllowed(await allowanceOf([inside]), location)).toBe(allowed);
  });

  test("nothing is allowed that is not said, and what is not there cannot be", async () => {
    expect(await isAllowed(await allowanceOf([]), inside)).toBe(false);
    await expect(allowanceOf([join(folder, "missing")])).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
    expect(await isAllowed(await allowanceOf([`file://${inside}`]), join(inside, "a"))).toBe(true);
  });
});

describe("URLs", () => {
  const prefixes = ["https://example.org/scans/", "s3://bucket/scans", "http://[::1]:8080"];
  test.each([
    ["https://example.org/scans", true],
    ["https://example.org/scans/a.nii", true],
    ["https://EXAMPLE.org:443/scans/deep/a.nii", true],
    ["https://example.org/scans/a%20b.nii", true],
    ["http://[::1]:8080/anything.nii", true],
    ["s3://bucket/scans/a.zarr", true],
    ["https://example.org/scans-of-others/a.nii", false],
    ["https://example.org/SCANS/a.nii", false],
    ["https://example.org/", false],
    ["http://example.org/scans/a.nii", false],
    ["https://example.org:8443/scans/a.nii", false],
    ["https://example.org.evil.org/scans/a.nii", false],
    ["https://evil.org/https://example.org/scans/a.nii", false],
    ["s3://bucket2/scans/a.zarr", false],
    ["s3://bucket/scansion", false],
    ["gs://bucket/scans/a.zarr", false],
    ["http://[::1]:8081/anything.nii", false],
    ["http://127.0.0.1:8080/anything.nii", false],
    // Who it is, and what is asked, are not the queue's to say.
    ["https://user:password@example.org/scans/a.nii", false],
    ["https://example.org@evil.org/scans/a.nii", false],
    ["https://example.org/scans/a.nii?token=1", false],
    ["https://example.org/scans/a.nii#b", false],
    ["https:example.org/scans/a.nii", false],
    ["https:/example.org/scans/a.nii", false],
    ["https:///example.org/scans/a.nii", false],
    // What some parser reads as a way up.
    ["https://example.org/scans/../private/a.nii", false],
    ["https://example.org/scans/./a.nii", false],
    ["https://example.org/scans/%2e%2e/private/a.nii", false],
    ["https://example.org/scans/%2E./private/a.nii", false],
    ["https://example.org/scans/%252e%252e/private/a.nii", false],
    ["https://example.org/scans/..%2fprivate/a.nii", false],
    ["https://example.org/scans/a%2F..%2F..%2Fprivate", false],
    ["https://example.org/scans/..%5cprivate", false],
    ["https://example.org/scans/..\\private", false],
    ["https://example.org\\@evil.org/scans/a.nii", false],
    ["https://example.org/scans//a.nii", false],
    ["https://example.org/scans/\t../a.nii", false],
    ["https://example.org/scans/a\n.nii", false],
    [" https://example.org/scans/a.nii", false],
    ["s3://bucket/scans/../private", false],
    ["s3://bucket/scans/%2e%2e/private", false],
    ["javascript:alert(1)", false],
    ["data:text/plain,a", false],
    [join(folder, "inside", "a.nii"), false],
  ])("%j: %j", async (location, allowed) => {
    expect(await isAllowed(await allowanceOf(prefixes), location)).toBe(allowed);
  });

  test("prefixes are held to the same rules", async () => {
    for (const prefix of ["https://u:p@example.org/", "https://example.org/a/../b", "s3://bucket/?x"]) {
      await expect(allowanceOf([prefix])).rejects.toMatchObject({ code: "ERR_NOT_ALLOWED" });
    }
  });
});

test("what is put on a queue is absolute and has no secrets", () => {
  expect(shareable("a/../b.nii")).toBe(join(process.cwd(), "b.nii"));
  expect(shareable(`file://${folder}/b.nii`)).toBe(join(folder, "b.nii"));
  expect(shareable("HTTPS://Example.org:443/a b/../c.nii")).toBe("https://example.org/c.nii");
  expect(shareable("s3://bucket/a.zarr/")).toBe("s3://bucket/a.zarr");
  for (const url of [
    "https://u:hush@example.org/a",
    "https://example.org/a?sig=hush",
    "s3://k:hush@bucket/a",
  ]) {
    expect(() => shareable(url)).toThrow(/credentials of their own/);
    expect(() => shareable(url)).not.toThrow(/hush/);
  }
});
