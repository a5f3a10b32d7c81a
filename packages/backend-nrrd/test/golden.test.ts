import { nrrd } from "@lazyimg/backend-nrrd/backend";
import { createRequest } from "@lazyimg/core";
import { expect, test } from "vitest";
import { expectImage, expectRegions, formatCases, opened } from "../../../tests/support/formats.js";

const cases = formatCases("nrrd");
const open = (path: string) => opened(nrrd, createRequest(path));

test("the vectors are many", () => expect(cases.length).toBeGreaterThan(50));

test.each(cases)("$name", async (chosen) => {
  const backend = await open(chosen.path);
  await expectImage(backend, chosen);
  await backend.close?.();
});

test("any region of any file equals the same region of all of it", () =>
  expectRegions(cases, ({ path }) => open(path)));
