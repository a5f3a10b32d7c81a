import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { ask } from "./ask.js";
import { lazyimg, PHANTOM } from "./command.js";
import { view } from "./view.js";

describe("lazyimg view", () => {
  it("prints its address, serves what it was given, and stops with Ctrl-C", async () => {
    const { child, outcome, url } = await view([PHANTOM]);
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{24}\/\?src=data%2F0%2Fphantom\.nii\.gz$/);
    const src = new URL(url).searchParams.get("src")!;
    expect((await ask(new URL(src, url).href)).body.equals(readFileSync(PHANTOM))).toBe(true);
    child.kill("SIGINT");
    const { code } = await outcome;
    expect(code).toBe(0);
    await expect(ask(url)).rejects.toThrow();
  });

  it("listens where it is told, and says when it cannot", async () => {
    const first = await view([PHANTOM, "--overlay", PHANTOM]);
    const { port, searchParams } = new URL(first.url);
    expect(searchParams.get("overlay")).toBe("data/1/phantom.nii.gz");
    const { code, stderr } = await lazyimg("view", PHANTOM, "--no-open", "--port", port);
    expect(code).toBe(1);
    expect(stderr).toContain("EADDRINUSE");
    first.child.kill("SIGTERM");
    await first.outcome;
    const again = await view([PHANTOM, "--port", port]);
    expect(new URL(again.url).port).toBe(port);
    again.child.kill("SIGINT");
    await again.outcome;
  });

  it("lets the page read the origin of a URL, and no other", async () => {
    const { child, outcome, url } = await view(["https://example.org/data/scan.nii.gz"]);
    expect(new URL(url).searchParams.get("src")).toBe("https://example.org/data/scan.nii.gz");
    const policy = (await ask(url)).headers["content-security-policy"];
    expect(policy).toContain("connect-src 'self' data: https://example.org;");
    child.kill("SIGINT");
    await outcome;
  });

  it("says what is not there", async () => {
    const { code, stderr } = await lazyimg("view", "/none/scan.nii", "--no-open");
    expect(code).toBe(1);
    expect(stderr).toMatch(/no file scan\.nii.*ERR_NOT_FOUND/);
    const bucket = await lazyimg("view", "s3://bucket/scan.nii", "--no-open");
    expect(bucket).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/s3:.*presigned.*ERR_UNSUPPORTED/),
    });
    expect((await lazyimg("view", PHANTOM, "--port", "99999")).code).toBe(2);
  });
});
