import { LazyImageError } from "@lazyimg/core";

/** The tags of a header, as text: https://itk.org/Wiki/ITK/MetaIO/Documentation. */
export type Tags = Readonly<Record<string, string>>;

/**
 * Takes a header apart; what tags mean is not looked at.
 *
 * @throws LazyImageError `ERR_HEADER` for a line that is no tag
 */
export function tagsOf(text: string, what: string): Tags {
  const tags = new Map<string, string>();
  for (const line of text.split("\n")) {
    if (line.trim() === "") continue;
    const sign = line.search(/[=:]/);
    const name = line.slice(0, sign).trim();
    if (sign < 0 || !/^\w+$/.test(name)) {
      throw new LazyImageError(
        "ERR_HEADER",
        `${what} has the line ${quoted(line)}, which is no tag of MetaImage; it is another format or damaged.`,
      );
    }
    tags.set(name, line.slice(sign + 1).trim());
  }
  return Object.fromEntries(tags);
}

/** A text of the file's for a message, which must not be endless. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}

/** A tag that must be there. */
export function required(tags: Tags, name: string, what: string): string {
  const value = tags[name];
  if (value !== undefined) return value;
  throw new LazyImageError("ERR_HEADER", `${what} has no ${name}; it is another format or damaged.`);
}

/** True and False, by their first letter as ITK does. */
export function isTrue(text: string): boolean {
  return /^[t1]/i.test(text);
}

/** Whole numbers of a tag, as many as `count`, each `least` or more. */
export function integers(
  tags: Tags,
  name: string,
  count: number,
  least: number,
  what: string,
  otherwise?: string,
): readonly number[] {
  const text = tags[name] ?? otherwise ?? required(tags, name, what);
  const parts = text.split(/\s+/);
  const values = parts.map((part) => (/^-?\d+$/.test(part) ? Number(part) : Number.NaN));
  if (values.length === count && values.every((value) => value >= least)) return values;
  throw new LazyImageError(
    "ERR_HEADER",
    `${what} has ${quoted(text)} in ${name}; expected whole numbers, ${count} of them, ${least} or more.`,
  );
}

/** Numbers of the first of these tags that is there, as many as `count`; `null` where none is. */
export function numbers(
  tags: Tags,
  names: readonly string[],
  count: number,
  what: string,
): readonly number[] | null {
  const name = names.find((tag) => tags[tag] !== undefined);
  if (name === undefined) return null;
  const values = tags[name]!.split(/\s+/).map((part) => (part === "" ? Number.NaN : Number(part)));
  // More than there are axes do no harm, as in ITK.
  if (values.length >= count && values.every(Number.isFinite)) return values.slice(0, count);
  throw new LazyImageError(
    "ERR_HEADER",
    `${what} has ${quoted(tags[name]!)} in ${name}; expected ${count} finite numbers.`,
  );
}
