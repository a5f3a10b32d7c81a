/** How long tasks may take, in milliseconds. */
const PERIOD = 8;

const { setImmediate } = globalThis as { setImmediate?: (call: () => void) => unknown };

/** Lets timers, input and aborts through now and then during work that never waits for I/O. */
export class Breather {
  #last: number = performance.now();

  /** Resolves at once, or, when 8 ms have passed, after other tasks ran. */
  async pause(): Promise<void> {
    if (performance.now() - this.#last < PERIOD) return;
    await nextTask();
    this.#last = performance.now();
  }
}

/** Resolves after the tasks that wait now. */
function nextTask(): Promise<void> {
  return new Promise((resolve) => {
    if (setImmediate !== undefined) {
      setImmediate(resolve);
      return;
    }
    const channel = new MessageChannel();
    channel.port1.onmessage = () => {
      channel.port1.close();
      resolve();
    };
    channel.port2.postMessage(null);
  });
}
