/** Holds reads up, to look at what happens while they wait. */
export interface Hold {
  /** Resolves when a read waits, or passes where it cannot be made to wait. */
  readonly reached: Promise<void>;
  /** Lets every read go on. */
  readonly release: () => void;
}

/** Where reads pass, and may be held up. */
export interface Gate {
  /** Holds up every read from now on until `release()`. */
  hold(): Hold;
  /** Waits while reads are held up; rejects with the signal's reason when that aborts. */
  pass(signal?: AbortSignal | undefined): Promise<void>;
}

/** A gate that is open. */
export function gate(): Gate {
  let closed: ((signal: AbortSignal | undefined) => Promise<void>) | undefined;
  return {
    hold() {
      let touch = (): void => {};
      let open = (): void => {};
      const reached = new Promise<void>((resolve) => {
        touch = resolve;
      });
      const opened = new Promise<void>((resolve) => {
        open = resolve;
      });
      const aborts = new Map<AbortSignal, Promise<never>>();
      const mine = (signal: AbortSignal | undefined): Promise<void> => {
        touch();
        if (signal === undefined) return opened;
        const aborted = aborts.get(signal) ?? rejectionOf(signal);
        aborts.set(signal, aborted);
        return Promise.race([opened, aborted]);
      };
      closed = mine;
      const release = () => {
        if (closed === mine) closed = undefined;
        open();
      };
      return { reached, release };
    },
    async pass(signal) {
      signal?.throwIfAborted();
      await closed?.(signal);
    },
  };
}

/** Rejects when the signal aborts. One listener serves any number of reads, of which Node warns beyond ten. */
function rejectionOf(signal: AbortSignal): Promise<never> {
  const promise = new Promise<never>((_, reject) => {
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
  // Nobody may be waiting any more.
  promise.catch(() => undefined);
  return promise;
}
