const PERIOD = 12;

/** Lets timers, input and aborts through now and then during work that never waits for I/O. */
export class Breather {
  #last: number = performance.now();

  /** Resolves at once, or, when 12 ms have passed, after other tasks ran. */
  async pause(): Promise<void> {
    if (performance.now() - this.#last < PERIOD) return;
    await new Promise<void>((resolve) => {
      const channel = new MessageChannel();
      channel.port1.onmessage = () => {
        channel.port1.close();
        resolve();
      };
      channel.port2.postMessage(null);
    });
    this.#last = performance.now();
  }
}
