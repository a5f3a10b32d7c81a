// The output, and how far back a distance may reach.

import { OUT, OUT_START, WINDOW } from "./buffers";

export let outAt: usize = OUT_START;
/** The earliest byte that a distance may reach. */
export let history: usize = OUT_START;

/** What was written ends here. */
export function setOutput(at: usize): void {
  outAt = at;
}

/** Begins a stream. `window` bytes of history are already in place before the output's start. */
export function resetOutput(window: u32): void {
  outAt = OUT_START;
  history = OUT_START - window;
}

/** Makes room: keeps the last window's worth of output as history. */
export function slide(): void {
  const produced: usize = outAt - OUT_START;
  memory.copy(OUT, outAt - WINDOW, WINDOW);
  outAt = OUT_START;
  const moved = history > OUT + produced ? history - produced : OUT;
  history = moved;
}
