import type { PutOptions, RemoteWriter } from "@lazyimg/byte-source/remote";
import { LazyImageError } from "@lazyimg/core";

/** Between two times that a journal is written, in milliseconds: seldom when much is done, or writing it takes long. */
const FIRST_WAIT = 500;
const WAIT = 5000;
const SHARE = 20;
/** The journal of the process that began; others have names of their own. */
const BEGUN = "begun";

/** What a journal begins with. */
export interface Head {
  /** Who writes, to tell when somebody else has taken over. */
  readonly writer: string;
  /** What is written from its beginning on, by however many runs. */
  readonly conversion: string;
  readonly fingerprint: string;
  /** Whether chunks that hold only the fill value are written, too. */
  readonly dense: boolean;
}

/** The head and the lines of a journal's bytes; a line that was cut is none. */
function parse(bytes: Uint8Array): { head: Head; lines: string[] } {
  const [first = "", ...lines] = new TextDecoder().decode(bytes).split("\n");
  try {
    const { writer, conversion, fingerprint, dense } = JSON.parse(first) as Partial<Record<string, unknown>>;
    return {
      head: {
        writer: `${writer}`,
        conversion: `${conversion}`,
        fingerprint: `${fingerprint}`,
        dense: dense === true,
      },
      lines: lines.slice(0, -1),
    };
  } catch {
    return { head: { writer: "", conversion: "", fingerprint: "", dense: false }, lines: [] };
  }
}

/** What the process that began noted first. */
export async function headOf(
  folder: RemoteWriter,
  signal: AbortSignal | undefined,
): Promise<Head | undefined> {
  const bytes = await folder.get(BEGUN, { signal });
  return bytes && parse(bytes).head;
}

/** The same of a journal that should be there: some stores remove an object before they replace it, so it is looked for twice. */
export const headThere = async (
  folder: RemoteWriter,
  signal: AbortSignal | undefined,
): Promise<Head | undefined> => (await headOf(folder, signal)) ?? headOf(folder, signal);

/** The parts that earlier runs, and those who wrote along, noted as done. */
export async function partsIn(
  folder: RemoteWriter,
  conversion: string,
  names: Iterable<string>,
  signal: AbortSignal | undefined,
): Promise<Set<string>> {
  const parts = new Set<string>();
  for (const name of new Set([BEGUN, ...names])) {
    const { head, lines } = parse((await folder.get(name, { signal })) ?? new Uint8Array(0));
    if (head.conversion === conversion) for (const line of lines) parts.add(line);
  }
  return parts;
}

/**
 * What has been written so far, as an object beside the data: a line that says by whom and what for, then a line for each
 * part that is done. It is written now and then; what was done since is done again by whoever goes on.
 */
export class Journal {
  readonly #folder: RemoteWriter;
  readonly #name: string;
  readonly #head: Head;
  readonly #signal: AbortSignal | undefined;
  readonly #parts: Set<string>;
  /** Chunks since the last piece: once theirs is done, they are no news. */
  readonly #chunks = new Set<string>();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #writing: Promise<void> = Promise.resolve();
  #wait = FIRST_WAIT;
  #isWritten = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(
    folder: RemoteWriter,
    head: Head,
    { parts = [], joined = false, signal }: { parts?: Iterable<string>; joined?: boolean } & PutOptions,
  ) {
    this.#folder = folder;
    this.#name = joined ? crypto.randomUUID() : BEGUN;
    this.#head = head;
    this.#signal = signal;
    this.#parts = new Set(parts);
  }

  has(part: string): boolean {
    return this.#parts.has(part) || this.#chunks.has(part);
  }

  /** @throws what writing the journal threw since the last call */
  add(part: string): void {
    if (this.#failure !== undefined) throw this.#failure.error;
    if (part.startsWith("piece ")) {
      this.#parts.add(part);
      this.#chunks.clear();
    } else this.#chunks.add(part);
    this.#timer ??= setTimeout(() => {
      this.#wait = Math.min(2 * this.#wait, WAIT);
      this.write().catch((error: unknown) => {
        this.#failure ??= { error };
      });
    }, this.#wait);
  }

  /** Notes something, and writes the journal now; not over somebody else's, who has taken over. */
  async write({ note, signal = this.#signal, ifAbsent }: PutOptions & { note?: string } = {}): Promise<void> {
    this.rest();
    if (note !== undefined) this.#parts.add(note);
    const before = this.#writing.catch(() => {});
    this.#writing = before.then(async () => {
      if (this.#isWritten) await this.#checkNow(signal);
      this.#isWritten = true;
      const lines = [JSON.stringify(this.#head), ...this.#parts, ...this.#chunks, ""];
      const start = performance.now();
      const bytes = new TextEncoder().encode(lines.join("\n"));
      await this.#folder.put(this.#name, bytes, { signal, ifAbsent });
      this.#wait = Math.max(this.#wait, SHARE * (performance.now() - start));
    });
    await this.#writing;
  }

  /** Writes no more of its own accord. */
  rest(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /**
   * Looks at it when it is not just being written.
   *
   * @throws LazyImageError `ERR_CHANGED` where somebody else has taken over, or it was removed
   */
  async check(): Promise<void> {
    await this.#writing.catch(() => {});
    await this.#checkNow(this.#signal);
  }

  async #checkNow(signal: AbortSignal | undefined): Promise<void> {
    if (this.#name !== BEGUN) return;
    const head = await headThere(this.#folder, signal);
    if (head?.writer === this.#head.writer) return;
    throw new LazyImageError(
      "ERR_CHANGED",
      `${this.#folder.name} is ${head === undefined ? "gone" : "another run's"}: somebody else writes to the same destination; write to one from one process at a time`,
    );
  }

  /** Removes it, and those of others. */
  async remove(others: Iterable<string> = []): Promise<void> {
    this.rest();
    await this.#writing.catch(() => {});
    for (const name of others) if (name !== BEGUN) await this.#folder.delete(name);
    await this.#folder.delete(this.#name);
  }
}
