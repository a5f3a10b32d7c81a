import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { createRequest } from "@lazyimg/core";
import { openImage } from "@lazyimg/image";
import { itk, openItk } from "@lazyimg/reader-itk/backend";
import { countingSource } from "@lazyimg/testkit";
import { describe, expect, test } from "vitest";
import { GOLDEN, golden } from "../../../tests/support/golden.js";
import { endlessPic } from "../../../tests/support/itk.js";
import { type FormatFacts, tensorOf } from "../../../tests/support/vectors.js";

const facts = golden<Record<string, FormatFacts>>("itk/expected.json");
const bytesOf = (name: string) => new Uint8Array(readFileSync(`${GOLDEN}itk/${name}`));

async function expectGood(name: string): Promise<void> {
  const image = await openImage(bytesOf(name), { backends: [itk], name });
  expect((await image.read()).copy("C").data).toEqual(tensorOf(facts[name]!).data);
}

const endless = (readerOptions: Readonly<Record<string, unknown>>, signal?: AbortSignal) =>
  openItk(createRequest(endlessPic(bytesOf("uint8.pic")), { name: "a.pic", readerOptions }), { signal });

describe("a file that ITK would read for ever", () => {
  test("is ended by its time, and others open as before", async () => {
    await expect(endless({ timeLimit: 1 })).rejects.toMatchObject({
      code: "ERR_LIMIT",
      message: expect.stringMatching(/a\.pic.*longer than 1 s.*58 bytes.*damaged.*readerOptions\.timeLimit/),
    });
    await expectGood("uint8.pic");
  });

  test("is ended by an abort", async () => {
    const controller = new AbortController();
    const reason = new Error("enough");
    const opened = Promise.all([endless({}, controller.signal), endless({}, controller.signal)]);
    setTimeout(() => controller.abort(reason), 400);
    await expect(opened).rejects.toBe(reason);
    await expectGood("uint8.pic");
  });

  test("leaves room for others once it has ended, as many as there are", async () => {
    const bad = Promise.allSettled(Array.from({ length: 9 }, () => endless({ timeLimit: 0.5 })));
    await expectGood("int16.gipl");
    for (const { status } of await bad) expect(status).toBe("rejected");
    await expectGood("int16.gipl");
  });

  test("lets the process end that gave it up", () => {
    const script = `
      import { createRequest } from "@lazyimg/core";
      import { openItk } from "@lazyimg/reader-itk/backend";
      const bytes = (text) => new Uint8Array(Buffer.from(text, "base64"));
      await openItk(createRequest(bytes("${Buffer.from(bytesOf("rgb.png")).toString("base64")}"), { name: "a.png" }));
      const signal = AbortSignal.timeout(600);
      const pic = bytes("${Buffer.from(endlessPic(bytesOf("uint8.pic"))).toString("base64")}");
      await openItk(createRequest(pic, { name: "a.pic" }), { signal }).catch(({ name }) => process.stdout.write(name));`;
    const cwd = fileURLToPath(new URL("..", import.meta.url));
    const said = execFileSync(process.execPath, ["--input-type=module", "-e", script], {
      ...{ cwd, encoding: "utf8", timeout: 280_000 },
    });
    // Nor does ITK say anything.
    expect(said).toBe("TimeoutError");
  });
});

describe("a file that takes much memory", () => {
  const large = (): Uint8Array => {
    const head = bytesOf("int16.gipl").slice(0, 256);
    const bytes = new Uint8Array(256 + 2 * 256 ** 3);
    new DataView(head.buffer).setUint16(0, 256);
    new DataView(head.buffer).setUint16(2, 256);
    new DataView(head.buffer).setUint16(4, 256);
    bytes.set(head);
    return bytes;
  };
  const open = (memoryLimit?: number) =>
    openItk(createRequest(large(), { name: "a.gipl", readerOptions: { memoryLimit } }));

  test("may take what is in proportion", async () => {
    expect((await open()).shape).toEqual([1, 256, 256, 256]);
  });

  test("is ended by its limit", async () => {
    await expect(open(20 * 2 ** 20)).rejects.toMatchObject({
      code: "ERR_LIMIT",
      message: expect.stringMatching(
        /more than 20 MiB of memory.*33554688 bytes.*readerOptions\.memoryLimit/,
      ),
    });
    await expectGood("int16.gipl");
  });

  test.each([0, -1, Number.NaN, "much"])("a limit of %s is none", async (limit) => {
    for (const name of ["timeLimit", "memoryLimit"])
      await expect(
        openItk(createRequest(bytesOf("flat.png"), { name: "a.png", readerOptions: { [name]: limit } })),
      ).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT", message: expect.stringContaining(name) });
  });
});

test("many files at once, with aborts: who stays gets its voxels, and each file is read once", async () => {
  const names = ["rgb.png", "int16.gipl", "float32.mrc", "int16.vtk", "rgb.tif", "int16.hdf5"];
  let state = 1;
  const random = (most: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * most);
  };
  const outcomes = await Promise.all(
    Array.from({ length: 90 }, async (_, n) => {
      const name = names[n % names.length]!;
      const source = countingSource(bytesOf(name));
      const controller = new AbortController();
      const leaves = random(3) === 0;
      if (leaves) setTimeout(() => controller.abort(n), random(1000));
      try {
        const image = await openImage(source, { backends: [itk], name, signal: controller.signal });
        const whole = tensorOf(facts[name]!);
        await Promise.all(
          Array.from({ length: 20 }, async () => {
            const index = whole.shape.map(random);
            await sleep(random(10));
            expect((await image.read(index)).copy("C").data).toEqual(whole.slice(index).copy("C").data);
          }),
        );
        expect([source.bytes, source.requests]).toEqual([bytesOf(name).length, 1]);
        await image.close();
        return "voxels";
      } catch (error) {
        expect([leaves, error]).toEqual([true, n]);
        expect(source.bytes).toBeLessThanOrEqual(bytesOf(name).length);
        return "aborted";
      }
    }),
  );
  expect(outcomes.filter((outcome) => outcome === "voxels").length).toBeGreaterThanOrEqual(45);
  expect(outcomes).toContain("aborted");
});
