import { onAbort } from "@lazyimg/core/abort";
import type { GetOptions, Store } from "./store.js";

/**
 * A store that is asked at once for what will probably be wanted of it: where it is far away, it is the round trips that
 * take time. One that answers at once is left as it is.
 *
 * @returns `end` gives up what nobody wanted
 */
export function askAhead(
  store: Store,
  keys: readonly string[],
  { signal, most }: GetOptions,
): { readonly store: Store; end(): void } {
  if (store.sync !== undefined) return { store, end: () => {} };
  const controller = new AbortController();
  const leave = signal && onAbort(signal, () => controller.abort(signal.reason));
  const coming = new Map(keys.map((key) => [key, store.get(key, { signal: controller.signal, most })]));
  for (const answer of coming.values()) answer.catch(() => {}); // nobody may want it
  return {
    store: { ...store, get: (key, options) => coming.get(key) ?? store.get(key, options) },
    end() {
      leave?.();
      controller.abort();
    },
  };
}
