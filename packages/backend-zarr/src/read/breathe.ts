let channel: MessageChannel | undefined;
const waiting: (() => void)[] = [];

/** Lets the event loop turn once. Timers are no use: browsers make nested ones wait for 4 ms. */
export function breathe(): Promise<void> {
  if (typeof setImmediate === "function") return new Promise((resolve) => setImmediate(resolve));
  if (channel === undefined) {
    channel = new MessageChannel();
    channel.port1.onmessage = () => waiting.shift()?.();
  }
  return new Promise((resolve) => {
    waiting.push(resolve);
    channel!.port2.postMessage(null);
  });
}
