import { Inflater } from "@lazyimg/codecs";
import { expect, it, vi } from "vitest";

/** Makes WebAssembly refuse to compile, as under a Content-Security-Policy without `wasm-unsafe-eval`. */
export function forbidWasm(): void {
  vi.stubGlobal("WebAssembly", {
    Module: class {
      constructor() {
        throw new EvalError("Refused to compile or instantiate WebAssembly module");
      }
    },
  });
  it("runs on the plain decoder", () => {
    expect(new Inflater().kind).toBe("js");
  });
}
