import type { IndexItem } from "@lazyimg/core";
import { UsageError } from "./errors.js";

const NOTHING = /^(null|None)?$/;

function parseItem(item: string, whole: string): IndexItem {
  const refuse = () =>
    new UsageError(
      `Index ${JSON.stringify(whole)}: ${item === "" ? "an item is empty" : `${JSON.stringify(item)} is not understood`}; ` +
        'write integers, slices (start:stop:step) and "..." with commas between, such as ":,10:20,...,::2"',
    );
  const number = (text: string): number => {
    const value = /^[+-]?\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!Number.isSafeInteger(value)) throw refuse();
    return value;
  };
  if (item === "...") return item;
  if (item === "null" || item === "None") return null;
  const parts = item.split(":").map((part) => part.trim());
  if (parts.length === 1) return number(item);
  if (parts.length > 3) throw refuse();
  const [start = null, stop = null, step = null] = parts.map((part) =>
    NOTHING.test(part) ? null : number(part),
  );
  return { start, stop, step };
}

/**
 * An index as numpy writes it, `":,10:20,...,::2"`, with brackets around it or not; `null` and `None` take a whole axis.
 *
 * @throws UsageError where it cannot be read; whether it fits an image is the image's to say
 */
export function parseIndex(text: string): IndexItem[] {
  const bare = text.trim().replace(/^\[(.*)\]$/s, "$1");
  const items = bare.split(",").map((item) => item.trim());
  // As Python: a comma may follow the last item.
  if (items.length > 1 && items.at(-1) === "") items.pop();
  return items.map((item) => parseItem(item, text));
}
