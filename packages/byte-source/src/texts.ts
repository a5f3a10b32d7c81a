/** What XML's own characters are written as. */
const ENTITIES: Readonly<Record<string, string>> = { amp: "&", lt: "<", gt: ">", quot: '"', apos: "'" };

/** The characters that references in XML stand for. */
export const unescaped = (text: string): string =>
  text.replace(/&(?:#x([\da-f]+)|#(\d+)|(\w+));/gi, (all, hex, decimal, name) => {
    if (name !== undefined) return ENTITIES[name] ?? all;
    return String.fromCodePoint(hex === undefined ? Number(decimal) : Number.parseInt(hex, 16));
  });

/** What the first element of a name holds, where that is text. */
export function textOf(xml: string, element: string): string | undefined {
  const text = new RegExp(`<${element}>([^<]*)</${element}>`).exec(xml)?.[1];
  return text === undefined ? undefined : unescaped(text);
}

/** One section of an INI file, with names in lower case; `undefined` where there is none. */
export function sectionOf(ini: string, name: string): Readonly<Record<string, string>> | undefined {
  let found: Record<string, string> | undefined;
  let within = false;
  for (const line of ini.split(/\r?\n/)) {
    const [, heading] = /^\s*\[\s*(?:profile\s+)?([^\]]*?)\s*\]/.exec(line) ?? [];
    if (heading !== undefined) within = heading === name;
    const [, key, value] = /^([^\s#;=[][^=]*?)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (!within) continue;
    found ??= {};
    if (key !== undefined) found[key.toLowerCase()] = value!;
  }
  return found;
}
