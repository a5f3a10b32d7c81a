import { LazyImageError } from "@lazyimg/core";

/** A JSON object from a file that nobody has checked. */
export type Json = Readonly<Record<string, unknown>>;

export function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** `value` shortened, for messages. */
export function show(value: unknown): string {
  let text: string;
  try {
    text = JSON.stringify(value) ?? String(value);
  } catch {
    // The stack does not suffice for thousands of lists in lists, which a file can have.
    text = "something nested too deeply";
  }
  return text.length > 120 ? `${text.slice(0, 117)}...` : text;
}

/** Metadata that contradict themselves or the specification. */
export function badMetadata(key: string, what: string): LazyImageError {
  return new LazyImageError("ERR_CORRUPT", `Zarr metadata ${key}: ${what}`);
}

/**
 * Parses a metadata file. Python writes NaN and Infinity as bare words, which JSON does not have: they become strings.
 *
 * @throws LazyImageError `ERR_CORRUPT` when it is no JSON object
 */
export function parseJson(bytes: Uint8Array, key: string): Json {
  const text = new TextDecoder().decode(bytes);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    try {
      value = JSON.parse(quoteBareNumbers(text));
    } catch {
      throw new LazyImageError("ERR_CORRUPT", `Zarr metadata ${key} is not JSON: ${text.slice(0, 80)}`, {
        cause,
      });
    }
  }
  if (!isObject(value)) throw badMetadata(key, `expected an object, found ${show(value)}`);
  if (isDeep(value)) throw badMetadata(key, `lists and objects nested more than ${MOST_DEPTH} deep`);
  return value;
}

/** No metadata are so deep; code that walks them by recursion could run out of stack. */
const MOST_DEPTH = 64;

function isDeep(value: unknown): boolean {
  let level = [value];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > MOST_DEPTH) return true;
    level = level.flatMap((one) => (typeof one === "object" && one !== null ? Object.values(one) : []));
  }
  return false;
}

/** NaN, Infinity and -Infinity outside of strings, as strings. */
function quoteBareNumbers(text: string): string {
  return text.replace(/"(?:[^"\\]|\\.)*"|-?\bInfinity\b|\bNaN\b/g, (match) =>
    match.startsWith('"') ? match : `"${match}"`,
  );
}

/** A list of whole numbers, each `least` or more. */
export function sizesOf(value: unknown, least: number, key: string, field: string): number[] {
  if (!Array.isArray(value) || !value.every((size) => Number.isSafeInteger(size) && size >= least)) {
    throw badMetadata(key, `${field} is ${show(value)}; expected whole numbers, ${least} or more`);
  }
  return value as number[];
}
