import { LazyImageError } from "@lazyimg/core";

/** An NRRD header, line by line: https://teem.sourceforge.net/nrrd/format.html. */
export interface NrrdFields {
  /** 1 to 5. */
  readonly version: number;
  /** Fields as text, by their names in small letters: "space directions", "data file", ... */
  readonly fields: Readonly<Record<string, string>>;
  /** What programs added as `key:=value`: gradients, for instance. */
  readonly keyValues: Readonly<Record<string, string>>;
}

/** Other spellings of names. */
const ALIASES: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ["axismaxs", "axis maxs"],
  ["axismins", "axis mins"],
  ["blocksize", "block size"],
  ["byteskip", "byte skip"],
  ["centerings", "centers"],
  ["datafile", "data file"],
  ["lineskip", "line skip"],
  ["oldmax", "old max"],
  ["oldmin", "old min"],
  ["sampleunits", "sample units"],
]);

/** A text of the file's for a message, which must not be endless. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}...` : text);
}

/**
 * Takes a header apart; what fields mean is not looked at.
 *
 * @param text from the magic to the empty line, or to the end of a file that has nothing else
 * @throws LazyImageError `ERR_HEADER` for another magic, a line that is neither field nor key, a field that comes twice;
 * `ERR_UNSUPPORTED` for a version that is not known
 */
export function parseFields(text: string, what: string): NrrdFields {
  const [magic = "", ...lines] = text.split(/\r?\n/);
  const version = Number(/^NRRD(\d{4})$/.exec(magic)?.[1] ?? Number.NaN);
  if (Number.isNaN(version)) {
    throw new LazyImageError(
      "ERR_HEADER",
      `${what} begins with ${quoted(magic)}, not with NRRD0001 to NRRD0005; it is another format or damaged.`,
    );
  }
  if (version < 1 || version > 5) {
    throw new LazyImageError("ERR_UNSUPPORTED", `${what} is NRRD of version ${version}; 1 to 5 are read.`);
  }
  const fields = new Map<string, string>();
  const keyValues = new Map<string, string>();
  for (const line of lines) {
    if (line.startsWith("#") || line === "") continue;
    const [, name = "", sign, value = ""] =
      /^(.*?)(:=|: )(.*)$/.exec(line) ?? /^(.*?)(:)(.*)$/.exec(line) ?? [];
    if (sign === ":=") {
      keyValues.set(
        name,
        value.replace(/\\(n|\\)/g, (_, letter) => (letter === "n" ? "\n" : "\\")),
      );
      continue;
    }
    const lower = name.trim().toLowerCase();
    const field = ALIASES.get(lower) ?? lower;
    if (sign === undefined || field === "" || fields.has(field)) {
      const wrong = sign === undefined || field === "" ? "is neither a field nor a key" : "is there twice";
      throw new LazyImageError(
        "ERR_HEADER",
        `${what} has the line ${quoted(line)}, which ${wrong}; its header is damaged.`,
      );
    }
    fields.set(field, value.trim());
  }
  return { version, fields: Object.fromEntries(fields), keyValues: Object.fromEntries(keyValues) };
}
