import type { ChildProcess } from "node:child_process";
import { EventEmitter, once } from "node:events";

/** A worker's question, whether a chunk may be put in its place. */
interface Question {
  readonly number: number;
  readonly file: string;
}

/**
 * Where workers ask before they put a chunk in its place. So tests stop them at a count, and what is killed then is in
 * the middle of its work, however fast or busy the machine is. At first it is open.
 */
export class Gate {
  readonly #held = new Map<ChildProcess, Question[]>();
  readonly #events = new EventEmitter();
  #left = Number.POSITIVE_INFINITY;
  #kept: ChildProcess | undefined;
  /** Who asks for one of these files is killed. */
  deadly: ((file: string) => boolean) | undefined;

  /** Listens to a worker. */
  admit(child: ChildProcess): void {
    child.on("message", (question: Question) => {
      const isDeadly = this.deadly?.(question.file) === true;
      if (isDeadly) child.kill("SIGKILL");
      // What the dead asked is no question any more.
      if (isDeadly || child.exitCode !== null || child.signalCode !== null) return;
      this.#held.set(child, [...(this.#held.get(child) ?? []), question]);
      this.#pass();
      this.#events.emit("question");
    });
    child.once("exit", () => this.#held.delete(child));
  }

  /** The workers that hold now, each with a piece that it has not finished. */
  get holders(): ChildProcess[] {
    return [...this.#held.keys()];
  }

  /** Lets so many chunks through from now on. */
  let(count: number): void {
    this.#left = count;
    this.#kept = undefined;
    this.#pass();
  }

  /** Lets all through, but for those of one worker. */
  open(kept?: ChildProcess): void {
    this.#left = Number.POSITIVE_INFINITY;
    this.#kept = kept;
    this.#pass();
  }

  /** Waits until so many workers hold. */
  async held(workers = 1): Promise<void> {
    while (this.#held.size < workers) await once(this.#events, "question");
  }

  #pass(): void {
    for (const [child, questions] of this.#held) {
      if (child === this.#kept) continue;
      while (questions.length > 0 && this.#left > 0) {
        this.#left--;
        // Whoever has died meanwhile hears nothing.
        child.send(questions.shift()!.number, () => {});
      }
      if (questions.length === 0) this.#held.delete(child);
    }
  }
}
