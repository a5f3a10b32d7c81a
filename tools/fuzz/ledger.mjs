/**
 * Counts the memory that is asked for: by JavaScript's own constructors, Node's Buffers and WebAssembly. Imported before
 * anything that allocates. What an engine allocates by itself (`slice`, zlib's output) is bounded by what was there, and
 * by the limit on the whole process.
 */
let total = 0;
let limit = Number.POSITIVE_INFINITY;

/** More was asked for than the input may cost. */
export class OverBudget extends Error {}

function charge(bytes) {
  if (!(bytes > 0)) return;
  total += bytes;
  if (total > limit) throw new OverBudget(`${total} bytes were allocated; ${limit} are granted`);
}

const ARRAYS = [
  Int8Array,
  Uint8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
  ArrayBuffer,
  SharedArrayBuffer,
];

for (const original of ARRAYS) {
  const width = original.BYTES_PER_ELEMENT ?? 1;
  const counted = new Proxy(original, {
    construct(target, parameters, maker) {
      if (typeof parameters[0] === "number") charge(parameters[0] * width);
      return Reflect.construct(target, parameters, maker === counted ? target : maker);
    },
  });
  Object.defineProperty(original.prototype, "constructor", {
    value: counted,
    configurable: true,
    writable: true,
  });
  globalThis[original.name] = counted;
}

for (const method of ["alloc", "allocUnsafe", "allocUnsafeSlow"]) {
  const original = Buffer[method];
  Buffer[method] = function (size, ...rest) {
    charge(size);
    return original.call(this, size, ...rest);
  };
}

const grow = WebAssembly.Memory.prototype.grow;
WebAssembly.Memory.prototype.grow = function (pages) {
  charge(pages * 65_536);
  return grow.call(this, pages);
};

/** Bytes that `action` asks for; beyond `budget` its allocations fail. */
export async function measured(budget, action) {
  total = 0;
  limit = budget;
  try {
    return { value: await action(), bytes: total };
  } finally {
    limit = Number.POSITIVE_INFINITY;
  }
}

/** Bytes since the last `measured` began. */
export const allocated = () => total;
