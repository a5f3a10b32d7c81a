import { abort } from "./rules/abort.js";
import { closing } from "./rules/closing.js";
import { concurrency } from "./rules/concurrency.js";
import { conversion } from "./rules/conversion.js";
import { cost } from "./rules/cost.js";
import { indexing } from "./rules/indexing.js";
import { memory } from "./rules/memory.js";
import { metadata } from "./rules/metadata.js";
import { oracle } from "./rules/oracle.js";
import type { Capabilities, Rule, Subject } from "./subject.js";

/** The rules that every backend follows, in the order in which they run. */
const RULES: readonly Rule[] = /* @__PURE__ */ Object.freeze([
  ...oracle,
  ...metadata,
  ...indexing,
  ...conversion,
  ...memory,
  ...abort,
  ...concurrency,
  ...cost,
  ...closing,
]);

/** What `backendSuite` is given. */
export interface BackendSuiteOptions {
  /** vitest's or node:test's `test`, or anything that takes a name and a function that may reject. */
  readonly test: (name: string, run: () => Promise<void>) => unknown;
  /** Opens the image afresh, once for every rule. */
  readonly create: () => Promise<Subject> | Subject;
  /** What the backend can do; see `Capabilities` for the defaults. */
  readonly supports?: Capabilities | undefined;
  /** Put before the name of every test, for several suites in one file. */
  readonly name?: string | undefined;
}

/**
 * Holds a backend to the whole contract of `ImageDataBackend`: one test per rule. No rule can be left out.
 *
 * ```ts
 * backendSuite({
 *   test,
 *   async create() {
 *     const source = countingSource(file);
 *     return { backend: await open(source), source, expected, affine };
 *   },
 * });
 * ```
 */
export function backendSuite({ test, create, supports, name }: BackendSuiteOptions): void {
  const declared = { close: true, explain: true, abort: true, eager: false, views: false, ...supports };
  for (const rule of RULES) {
    test(name === undefined ? rule.name : `${name}: ${rule.name}`, async () => {
      const subject = await create();
      try {
        await rule.run(subject, declared);
      } finally {
        // What a broken close() does is told by the rule about closing.
        await subject.backend.close?.().catch(() => undefined);
        await subject.cleanup?.();
      }
    });
  }
}
