/** How many bytes of passed buffers may wait for the garbage collector. */
const WAITING = 4 << 20;

/** More than V8 lets young buffers take before it collects them (32 MiB). */
const PRESSURE = 33 << 20;

let waiting = 0;

/**
 * Told how many bytes of an answer have passed.
 *
 * Node makes new buffers for every 64 KiB of an answer, which nobody can give back, and V8 collects young ones only after
 * 32 MiB of them: most of what streaming takes. A block that is never touched, and so takes no memory, counts as
 * if it did, and has them collected now.
 */
export function passed(bytes: number): void {
  waiting += bytes;
  if (waiting < WAITING) return;
  waiting = 0;
  try {
    new ArrayBuffer(PRESSURE);
  } catch {
    // No room for it: V8 has collected in vain before it says so.
  }
}
