/** Mutations of JSON metadata: nodes are replaced, dropped, copied, nested. */

const VALUES = [
  0,
  -0,
  1,
  -1,
  2,
  3,
  7,
  64,
  1.5,
  -0.5,
  1e9,
  2 ** 31,
  2 ** 32,
  2 ** 40,
  2 ** 53,
  1e300,
  null,
  true,
  false,
  "",
  "0",
  "1",
  "NaN",
  "Infinity",
  "/",
  "..",
  "../0",
  "a/b",
  "<f4",
  ">i2",
  "|u1",
  "<c8",
  "<f2",
  "|V3",
  "float32",
  "int16",
  "complex64",
  "r24",
  "F",
  "C",
  "default",
  "v2",
  "gzip",
  "zlib",
  "blosc",
  "zstd",
  "bytes",
  "transpose",
  "sharding_indexed",
  "crc32c",
  "lz4",
  "blosclz",
  "shuffle",
  "bitshuffle",
  "noshuffle",
  "little",
  "big",
  "start",
  "end",
  "x",
  "y",
  "z",
  "t",
  "c",
  "space",
  "time",
  "channel",
  "scale",
  "translation",
  "affine",
  "rotation",
  "identity",
  "sequence",
  "micrometer",
  "__proto__",
  "constructor",
  [],
  {},
  [[]],
  [null],
  [1, 1, 1],
  [2 ** 20, 2 ** 20, 2 ** 20],
  { id: "zlib" },
  { name: "bytes" },
];

/** Every node with its holder and key. */
function nodesOf(value, nodes = []) {
  if (value === null || typeof value !== "object") return nodes;
  for (const key of Object.keys(value)) {
    nodes.push([value, key]);
    nodesOf(value[key], nodes);
  }
  return nodes;
}

const clone = (value) => (value === undefined ? null : JSON.parse(JSON.stringify(value)));

/** The text of a value; `undefined` where nesting in nesting has become too deep. */
function written(value) {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}

/** A damaged copy of a JSON text. @param other another one, whose parts may be mixed in */
export function mutateJson(text, random, other = text) {
  const root = JSON.parse(text);
  const foreign = nodesOf(JSON.parse(other));
  for (let left = 1 + random.below(3); left > 0; left--) {
    const nodes = nodesOf(root);
    if (nodes.length === 0) break;
    const [holder, key] = random.pick(nodes);
    const value = holder[key];
    const kind = random.below(100);
    if (kind < 30) holder[key] = clone(random.pick(VALUES));
    else if (kind < 45 && typeof value === "number")
      holder[key] = value * random.pick([0, -1, 2, 0.5, 1024, 2 ** 31]) + random.below(3) - 1;
    else if (kind < 60) {
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
    } else if (kind < 70 && Array.isArray(value))
      value.splice(random.below(value.length + 1), 0, clone(random.pick(VALUES)));
    else if (kind < 80) holder[random.pick(nodes)[1]] = clone(value);
    else if (kind < 92 && foreign.length > 0) {
      const [from, name] = random.pick(foreign);
      holder[random.chance(0.7) && !Array.isArray(holder) ? name : key] = clone(from[name]);
    } else if (kind < 94) holder[key] = JSON.parse("[".repeat(2000) + "]".repeat(2000));
    else if (kind < 96) holder[key] = Array(20_000).fill(1);
    else if (kind < 98)
      Object.defineProperty(holder, "__proto__", {
        value: clone(value),
        enumerable: true,
        configurable: true,
        writable: true,
      });
    else holder[key] = [clone(value)];
  }
  const result = written(root) ?? text;
  const at = random.below(result.length);
  return random.chance(0.03)
    ? result.slice(0, at) + random.pick(["", "}", "\0", "1e999", ","]) + result.slice(at + 1)
    : result;
}
