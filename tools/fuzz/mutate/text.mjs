/** Mutations of headers that are text: lines, numbers and words. */

const NUMBERS = [
  "0",
  "-0",
  "1",
  "-1",
  "2",
  "3",
  "4",
  "7",
  "16",
  "255",
  "65536",
  "2147483648",
  "4294967296",
  "9007199254740993",
  "1e3",
  "1e308",
  "1e999",
  "-1e308",
  "0.5",
  "1.5e-320",
  "nan",
  "NaN",
  "inf",
  "-Infinity",
  "0x10",
  "1_000",
  "٣",
  "",
  " ",
  "1 2 3",
  "1,2",
  "99999999999999999999999999",
  "-9223372036854775808",
];
const JUNK = [
  "\n",
  "\r",
  "\r\n",
  "\n\n",
  "\0",
  "#",
  ":",
  ":=",
  "=",
  ",",
  "(",
  ")",
  "(1,",
  "{",
  "'",
  '"',
  "\\",
  "/",
  "../",
  "..",
  "/etc/hostname",
  "%s",
  "%n",
  "ÿ",
  "\u00a0",
  "LOCAL",
  "LIST",
  "END",
  "none",
  "space",
  "True",
  "False",
  "None",
  "__proto__",
  "constructor",
  "toString",
];

/** How many of the first bytes are text. */
function textLength(bytes) {
  const end = bytes.findIndex(
    (byte) => byte === 0 || byte > 0x7e || (byte < 0x20 && ![9, 10, 13].includes(byte)),
  );
  return Math.min(end < 0 ? bytes.length : end, 4096);
}

/**
 * A file whose header is damaged and whose data are not.
 *
 * @param other the header of another seed, whose lines and words may be mixed in
 * @param begin bytes in front of the text, which are left alone
 * @param keepLength whether the text is padded or cut to the length that it had
 */
export function mutateText(bytes, random, { other = bytes, begin = 0, keepLength = false } = {}) {
  const length = begin + textLength(bytes.subarray(begin));
  let text = Buffer.from(bytes.subarray(begin, length)).toString("latin1");
  const foreign = Buffer.from(other.subarray(begin, begin + textLength(other.subarray(begin)))).toString(
    "latin1",
  );
  for (let left = 1 + random.below(3); left > 0; left--) text = change(text, foreign, random);
  if (keepLength) text = text.padEnd(length - begin, " ").slice(0, length - begin);
  return Buffer.concat([bytes.subarray(0, begin), Buffer.from(text, "latin1"), bytes.subarray(length)]);
}

function change(text, foreign, random) {
  const lines = text.split("\n");
  const n = random.below(lines.length);
  const kind = random.below(100);
  if (kind < 35)
    return replaceOne(text, /[-+]?\d+(\.\d*)?([eE][-+]?\d+)?/g, random, () => random.pick(NUMBERS));
  if (kind < 50) {
    const words = foreign.match(/[A-Za-z_][\w-]*/g) ?? ["x"];
    return replaceOne(text, /[A-Za-z_][\w-]*/g, random, () => random.pick(words));
  }
  if (kind < 58) lines.splice(n, 1);
  else if (kind < 64) lines.splice(n, 0, lines[random.below(lines.length)]);
  else if (kind < 72) lines.splice(n, 0, random.pick(foreign.split("\n")));
  else if (kind < 78) [lines[n], lines[0]] = [lines[0], lines[n]];
  else if (kind < 84) {
    // The value of one field for another one.
    const values = foreign.split("\n").map((line) => /[:=]\s*(.*)$/.exec(line)?.[1] ?? "");
    lines[n] = lines[n].replace(/([:=]\s*).*$/, (_, separator) => separator + random.pick(values));
  } else if (kind < 96) {
    const at = random.below(text.length + 1);
    return text.slice(0, at) + random.pick(JUNK) + text.slice(at + random.below(3));
  } else if (kind < 98) {
    const at = random.below(text.length + 1);
    return (
      text.slice(0, at) +
      random.pick(["9", "a", " ", "1 ", "\n", "(", "-"]).repeat(random.pick([50, 3000, 60_000])) +
      text.slice(at)
    );
  } else return random.chance(0.5) ? text.toUpperCase() : text.replaceAll("\n", "\r\n");
  return lines.join("\n");
}

function replaceOne(text, pattern, random, by) {
  const found = [...text.matchAll(pattern)];
  if (found.length === 0) return text;
  const { 0: old, index } = random.pick(found);
  return text.slice(0, index) + by() + text.slice(index + old.length);
}
