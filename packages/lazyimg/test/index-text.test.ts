import { describe, expect, it } from "vitest";
import { parseIndex } from "../src/cli/index-text.js";

const part = (start: number | null, stop: number | null, step: number | null = null) => ({
  start,
  stop,
  step,
});

describe("the index of the command line", () => {
  it.each([
    ["...", ["..."]],
    ["3", [3]],
    ["-1,+2", [-1, 2]],
    [":", [part(null, null)]],
    ["::", [part(null, null)]],
    [":,10:20,...,::2", [part(null, null), part(10, 20), "...", part(null, null, 2)]],
    [" 1 , -8 : -2 : 3 ", [1, part(-8, -2, 3)]],
    ["::-1", [part(null, null, -1)]],
    ["None:5:null", [part(null, 5)]],
    ["null,None", [null, null]],
    ["[0, ..., 1:]", [0, "...", part(1, null)]],
    ["0,", [0]],
  ])("%s", (text, items) => {
    expect(parseIndex(text)).toEqual(items);
  });

  it.each([
    "",
    ",",
    "1,,2",
    "a",
    "1.5",
    "1:2:3:4",
    "1:x",
    "....",
    "0x10",
    "99999999999999999999",
    "[1",
    "1e3",
  ])("refuses %j", (text) => {
    expect(() => parseIndex(text)).toThrow(/^Index .*; write integers/);
  });
});
