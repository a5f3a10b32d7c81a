import { commands } from "vitest/browser";
import { seekableGzipSuite } from "./suite.js";

// Not by `fetch`: the test server sends .gz files with Content-Encoding, and the browser would inflate them.
seekableGzipSuite(async (name) => {
  const text = await commands.readFile(`packages/seekable-gzip/test/fixtures/${name}`, {
    encoding: "base64",
  });
  return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
}, "test");
