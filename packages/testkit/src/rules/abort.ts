import { type ImageDataBackend, type Index, slice, type Tensor } from "@lazyimg/core";
import { check, outcomeOf, pause, resolves, sameTensor, show } from "../check.js";
import type { Counter } from "../counter.js";
import { counterOf, type Rule } from "../subject.js";

const reasons = (): unknown[] => [new Error("enough"), "a reason that is no error", { code: 7 }, 0, null];

/** Reads in every way there is. */
const ways: readonly [name: string, read: (b: ImageDataBackend, signal: AbortSignal) => Promise<Tensor>][] = [
  ["read()", (backend, signal) => backend.read("...", { signal })],
  ["read() of a part", (backend, signal) => backend.read([null, slice(1, null), 0], { signal })],
  ["read() as float32", (backend, signal) => backend.read("...", { signal, dtype: "float32" })],
  ["read() of nothing", (backend, signal) => backend.read([null, slice(0, 0)], { signal })],
  ["toTensor()", (backend, signal) => backend.toTensor({ signal })],
];

async function rejectsWithReason(read: () => Promise<Tensor>, reason: unknown, what: string): Promise<void> {
  const outcome = await outcomeOf(read, what);
  check("error" in outcome, `${what}: resolved, but must reject with the signal's reason.`);
  check(
    Object.is(outcome.error, reason),
    `${what}: rejected with ${show(outcome.error)}, but must with signal.reason itself, ${show(reason)}.`,
  );
}

/** Requests that may be on their way when an abort comes. */
const UNDER_WAY = 32;

/** Begins a read that takes something from the source, which holds it up where it can. */
async function begun(
  source: Counter,
  read: () => Promise<Tensor>,
): Promise<{ readonly result: Promise<Tensor>; readonly release: () => void }> {
  source.reset();
  const { reached, release } = source.hold();
  const result = read();
  // Its outcome is looked at later; until then nobody must call it unhandled.
  result.catch(() => undefined);
  const settled = result.then(
    () => "settled",
    () => "settled",
  );
  const first = await Promise.race([reached, settled]);
  if (first === undefined) return { result, release };
  release();
  await result;
  check(
    source.bytes > 0,
    "A first read took nothing from `source`; give the one that the backend reads from.",
  );
  check(false, "A first read was over before it could be aborted; use a larger volume.");
}

/** A signal's reason is what its read rejects with, and its read alone. */
export const abort: readonly Rule[] = [
  {
    name: "a signal that was aborted before rejects with its reason itself",
    async run({ backend }) {
      for (const reason of reasons()) {
        for (const [name, read] of ways) {
          const signal = AbortSignal.abort(reason);
          await rejectsWithReason(() => read(backend, signal), signal.reason, `${name}, aborted before`);
        }
      }
    },
  },
  {
    name: "an abort during a read rejects with its reason itself",
    async run({ backend }) {
      for (const reason of reasons()) {
        for (const [name, read] of ways.filter(([name]) => name !== "read() of nothing")) {
          const controller = new AbortController();
          const result = read(backend, controller.signal);
          controller.abort(reason);
          const what = `${name}, aborted while it runs`;
          await rejectsWithReason(() => result, controller.signal.reason, what);
        }
      }
    },
  },
  {
    name: "an abort reaches the source, as declared",
    async run(subject, { abort, eager }) {
      const source = counterOf(subject);
      if (source === undefined || eager) {
        check(abort, "supports.abort is false, but nothing is read that could be aborted; leave it out.");
        return;
      }
      const controller = new AbortController();
      const { result, release } = await begun(source, () =>
        subject.backend.read("...", { signal: controller.signal }),
      );
      const reason = new Error("enough");
      controller.abort(reason);
      const asked = source.requests;
      const first = await Promise.race([result.catch(() => "at once" as const), pause()]);
      release();
      const at = first === "at once";
      check(
        at === abort,
        at
          ? "An aborted read rejects at once, but supports.abort is false; declare what it can."
          : "An aborted read goes on waiting for its bytes; hand `signal` to the source, or declare supports: { abort: false }.",
      );
      await rejectsWithReason(() => result, reason, "read(), aborted while the source is slow");
      if (!abort) return;
      await pause();
      check(
        source.requests <= asked + UNDER_WAY,
        `An aborted read made ${source.requests - asked} more requests; nobody waits for what they give.`,
      );
    },
  },
  {
    name: "an aborted read leaves the others, and the next ones, unharmed",
    async run(subject, { eager }) {
      const { backend, expected } = subject;
      const source = eager ? undefined : counterOf(subject);
      const index: Index = [null, slice(1, null)];
      // Slow first: later nothing may be left to read.
      for (const slow of source === undefined ? [false] : [true, false]) {
        const hold = slow ? source?.hold() : undefined;
        const controller = new AbortController();
        const { signal } = controller;
        const aborted = [backend.read("...", { signal }), backend.read(index, { signal })];
        const others = [backend.read(), backend.read(index, { signal: new AbortController().signal })];
        for (const read of [...aborted, ...others]) read.catch(() => undefined);
        // At once: what cannot be held up would be over.
        if (hold !== undefined) await Promise.race([hold.reached, pause()]);
        const reason = new Error("enough");
        controller.abort(reason);
        if (slow) await pause();
        hold?.release();
        const beside = "A read beside one that was aborted";
        const [whole, part] = await Promise.all(others.map((read) => resolves(() => read, beside)));
        sameTensor(whole!, expected, beside);
        sameTensor(part!, expected.slice(index), beside);
        for (const read of aborted) await rejectsWithReason(() => read, reason, "the aborted read");
        const after = "A read after one that was aborted";
        sameTensor(await resolves(() => backend.read(), after), expected, after);
      }
    },
  },
];
