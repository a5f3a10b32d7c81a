import { expect, test } from "vitest";
import { parseEntry } from "../src/payload.js";

test("what a log says is shown without what a terminal would obey", () => {
  const error = { code: "ERR_\u001b[2J", message: "no\u001b]0;title\u0007 such\nfile" };
  expect(parseEntry(JSON.stringify({ job: "a", error }))).toEqual({
    job: "a",
    error: { code: "ERR_?[2J", message: "no?]0;title? such?file" },
  });
});

test.each(["", "{", "[]", '{"job": 1}', '{"job": "a", "error": {}}'])("%j is no entry", (text) => {
  expect(parseEntry(text)).toBeUndefined();
});
