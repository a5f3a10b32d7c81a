// What fizarrita takes of browsers, over Node's threads: `Worker`, and `self` inside of one.
import { isMainThread, parentPort, Worker as Thread, workerData } from "node:worker_threads";

if (isMainThread) {
  globalThis.Worker = class extends EventTarget {
    #thread;

    constructor(url) {
      super();
      this.#thread = new Thread(new URL(import.meta.url), { workerData: String(url), execArgv: [] });
      this.#thread.on("message", (data) => this.dispatchEvent(new MessageEvent("message", { data })));
      this.#thread.on("error", ({ message }) =>
        this.dispatchEvent(Object.assign(new Event("error"), { message })),
      );
    }

    postMessage(message, transfer) {
      this.#thread.postMessage(message, Array.isArray(transfer) ? transfer : transfer?.transfer);
    }

    terminate() {
      this.#thread.terminate();
    }
  };
} else {
  const scope = Object.assign(new EventTarget(), {
    postMessage: (message, transfer) =>
      parentPort.postMessage(message, Array.isArray(transfer) ? transfer : transfer?.transfer),
  });
  scope.onmessage = null;
  globalThis.self = scope;
  const waiting = [];
  let ready = false;
  const deliver = (data) => {
    const event = new MessageEvent("message", { data });
    scope.onmessage?.(event);
    scope.dispatchEvent(event);
  };
  parentPort.on("message", (data) => (ready ? deliver(data) : waiting.push(data)));
  await import(workerData);
  ready = true;
  for (const data of waiting.splice(0)) deliver(data);
}
