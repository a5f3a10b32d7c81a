import { writeSync } from "node:fs";

const isCode = (error: unknown, code: string): boolean => (error as NodeJS.ErrnoException).code === code;

/**
 * Writes to standard output at once. `process.stdout` would load Node's streams and terminals first, which takes longer
 * than reading a header; it helps out only where a pipe is full and does not wait.
 */
export function printLine(line: string): void {
  let rest = Buffer.from(`${line}\n`);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(1, rest));
    } catch (error) {
      // Whoever reads our output stopped early (`| head`): no reason to complain.
      if (isCode(error, "EPIPE")) process.exit(0);
      if (!isCode(error, "EAGAIN")) throw error;
      process.stdout.write(rest);
      return;
    }
  }
}
