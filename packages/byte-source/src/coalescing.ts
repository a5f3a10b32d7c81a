import type { ByteReadOptions, ByteSource } from "@lazyimg/core";
import { SharedWork } from "@lazyimg/core/abort";
import { over } from "./layer.js";
import { checkRange, copyOf } from "./range.js";

/** Reads of this much gain nothing from being merged, and merging copies. */
const LARGE = 1 << 20;
/** How many turns of the microtask queue a read waits for company: callers are rarely all at the same depth. */
const TURNS = 8;

interface Pending {
  readonly offset: number;
  readonly end: number;
  readonly options: ByteReadOptions;
  resolve(result: Promise<Uint8Array>): void;
}

/**
 * Merges reads that are asked for at the same time and lie no more than `gap` bytes apart (or overlap) into one read.
 *
 * It serves callers that do not know of each other, such as the chunks of a store; who knows all ranges beforehand
 * plans them. A merged read is aborted when all of its readers have left. Reads of 1 MiB or more pass as they are.
 *
 * @param source what to read from; closed with this one
 * @param options `gap`: the source's own by default
 */
export function coalescing(source: ByteSource, options: { gap?: number | undefined } = {}): ByteSource {
  const gap = options.gap ?? source.gap;
  let pending: Pending[] = [];

  async function gather(): Promise<void> {
    for (let turn = 0; turn < TURNS; turn++) await undefined;
    const all = pending.filter(unlessAborted).sort((a, b) => a.offset - b.offset);
    pending = [];
    let group: Pending[] = [];
    let end = 0;
    for (const one of all) {
      if (group.length > 0 && one.offset - end > gap) {
        readGroup(group, end);
        group = [];
      }
      end = group.length === 0 ? one.end : Math.max(end, one.end);
      group.push(one);
    }
    readGroup(group, end);
  }

  function readGroup(group: readonly Pending[], end: number): void {
    const [first] = group;
    if (first === undefined) return;
    if (group.length === 1) {
      const { offset, end, options, resolve } = first;
      resolve((async () => source.read(offset, end - offset, options))());
      return;
    }
    const start = first.offset;
    const work = new SharedWork(async (signal) => source.read(start, end - start, { signal }));
    for (const { offset, end: stop, options, resolve } of group) {
      const copy = (all: Uint8Array): Uint8Array =>
        copyOf(all.subarray(offset - start, stop - start), options.into);
      resolve(work.join(options.signal).then(copy));
    }
  }

  return over(source, {
    async read(offset: number, length: number, options: ByteReadOptions = {}) {
      options.signal?.throwIfAborted();
      checkRange(offset, length, options.into);
      if (length >= LARGE) return source.read(offset, length, options);
      return new Promise<Uint8Array>((resolve) => {
        if (pending.length === 0) gather();
        pending.push({ offset, end: offset + length, options, resolve });
      });
    },
  });
}

function unlessAborted({ options, resolve }: Pending): boolean {
  if (options.signal?.aborted) resolve(Promise.reject(options.signal.reason));
  return !options.signal?.aborted;
}
