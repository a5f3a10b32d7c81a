import { Inflater } from "@lazyimg/codecs";

const MOST = 4;
const idle: Inflater[] = [];

/** An inflater, used before or new: each has memory of its own, which is dear to make. */
export function takeInflater(): Inflater {
  return idle.pop() ?? new Inflater();
}

/** Gives one back that nobody uses any more. */
export function giveInflater(inflater: Inflater): void {
  if (idle.length < MOST) idle.push(inflater);
}

/** Whether our own decoder is the one in WebAssembly. */
export function hasKernel(): boolean {
  const inflater = takeInflater();
  giveInflater(inflater);
  return inflater.kind === "wasm";
}
