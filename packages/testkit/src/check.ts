import { DTYPES, isLazyImageError, isTensor, stridesOf, type Tensor } from "@lazyimg/core";

/** What a broken contract throws; its message says what was found and what was expected. */
class ContractError extends Error {
  override readonly name = "ContractError";
}

/** Throws unless `condition` holds. */
export function check(condition: unknown, message: string): asserts condition {
  if (!condition) throw new ContractError(message);
}

/** A value in a few words, for messages. */
export function show(value: unknown): string {
  if (typeof value === "bigint") return `${value}n`;
  if (Object.is(value, -0)) return "-0";
  if (typeof value === "number" || value === undefined) return String(value);
  if (value instanceof Error) return `${value.name}: ${value.message}`;
  try {
    const text = JSON.stringify(value, (_, part: unknown) =>
      typeof part === "bigint" || (typeof part === "number" && !Number.isFinite(part)) ? String(part) : part,
    );
    return text ?? String(value);
  } catch {
    return String(value);
  }
}

/** Checks that two values are the same: `Object.is`. */
export function same(actual: unknown, expected: unknown, what: string): void {
  check(Object.is(actual, expected), `${what}: got ${show(actual)}, expected ${show(expected)}.`);
}

/** Checks that two lists hold the same values. */
export function sameList(actual: ArrayLike<unknown>, expected: ArrayLike<unknown>, what: string): void {
  const equal = actual?.length === expected.length && Array.from(expected).every((v, n) => v === actual[n]);
  check(
    equal,
    `${what}: got (${show(actual && Array.from(actual))}), expected (${show(Array.from(expected))}).`,
  );
}

/** Checks dtype, shape and every element; NaN equals NaN, and -0 is not 0. */
export function sameTensor(actual: Tensor, expected: Tensor, what: string): void {
  check(isTensor(actual), `${what}: got ${show(actual)}, which is no Tensor.`);
  same(actual.dtype, expected.dtype, `${what}, dtype`);
  sameList(actual.shape, expected.shape, `${what}, shape`);
  const { shape, dtype, size } = expected;
  const { lanes } = DTYPES[dtype];
  const found = dense(actual);
  const wanted = dense(expected);
  let wrong = 0;
  let first = -1;
  for (let n = 0; n < wanted.length; n++) {
    if (Object.is(found[n], wanted[n])) continue;
    if (wrong === 0) first = n;
    wrong++;
  }
  if (wrong === 0) return;
  const element = Math.floor(first / lanes);
  const position = stridesOf(shape).map((stride, axis) => Math.floor(element / stride) % shape[axis]!);
  throw new ContractError(
    `${what}, at (${position.join(", ")}): got ${show(found[first])}, expected ${show(wanted[first])}; ${wrong} of ${size * lanes} entries differ.`,
  );
}

/** The elements in C order, gathered one by one: a check must not trust what it checks. */
function dense({ data, shape, strides, offset, dtype }: Tensor): ArrayLike<number | bigint> {
  const { array, lanes } = DTYPES[dtype];
  const [sizeC, sizeI, sizeJ, sizeK] = shape;
  const result = new array(sizeC * sizeI * sizeJ * sizeK * lanes);
  let n = 0;
  for (let c = 0; c < sizeC; c++) {
    for (let i = 0; i < sizeI; i++) {
      for (let j = 0; j < sizeJ; j++) {
        let at = (offset + c * strides[0] + i * strides[1] + j * strides[2]) * lanes;
        for (let k = 0; k < sizeK; k++, at += strides[3] * lanes) {
          result[n++] = data[at]!;
          if (lanes === 2) result[n++] = data[at + 1]!;
        }
      }
    }
  }
  return result as ArrayLike<number | bigint>;
}

/** What a promise came to. */
export type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** Runs `action` and tells what came of it; a function that throws rather than rejects breaks the contract. */
export async function outcomeOf<T>(action: () => Promise<T>, what: string): Promise<Outcome<T>> {
  let promise: Promise<T>;
  try {
    promise = action();
  } catch (error) {
    throw new ContractError(`${what}: threw ${show(error)}; it must return a promise that rejects.`);
  }
  try {
    return { value: await promise };
  } catch (error) {
    return { error };
  }
}

/** What `action` resolves to, which must not reject. */
export async function resolves<T>(action: () => Promise<T>, what: string): Promise<T> {
  const outcome = await outcomeOf(action, what);
  if ("value" in outcome) return outcome.value;
  throw new ContractError(`${what}: rejected with ${show(outcome.error)}.`, { cause: outcome.error });
}

/** Checks that `action` rejects with a `LazyImageError` that has one of these codes. */
export async function rejectsWith(
  codes: readonly string[],
  action: () => Promise<unknown>,
  what: string,
): Promise<void> {
  const outcome = await outcomeOf(action, what);
  check("error" in outcome, `${what}: resolved, but must reject with ${codes.join(" or ")}.`);
  const { error } = outcome;
  check(
    codes.some((code) => isLazyImageError(error, code)),
    `${what}: rejected with ${show(error)} (code ${show((error as { code?: unknown } | null)?.code)}), but must with a LazyImageError whose code is ${codes.join(" or ")}.`,
  );
}

/** Long enough for any number of microtasks and timers of 0, short enough to wait for. */
const PAUSE_MS = 20;

/** Lets everything else that is ready run. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
}

/** Writes something else over every element, and gives the function that puts them back. */
export function scribble(tensor: Tensor): () => void {
  const { data } = tensor;
  const before = data.slice();
  for (let n = 0; n < data.length; n++) {
    const value = data[n]!;
    data[n] = typeof value === "bigint" ? value + 1n : value === 77 ? 78 : 77;
  }
  return () => data.set(before as never);
}
