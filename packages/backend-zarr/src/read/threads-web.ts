import type { DecodeThread, ThreadEvents } from "./decode-worker.js";

/** How many threads can run at a time, this one included: 1 where there are no Workers. */
export function parallelism(): number {
  return typeof Worker === "undefined" ? 1 : navigator.hardwareConcurrency;
}

/**
 * Starts a Worker that decodes tasks. A page's Content-Security-Policy may forbid it, or a server not have the script: that is
 * a failure of it.
 *
 * @throws DOMException where the script is of another origin
 */
export function startThread({ answer, failed }: ThreadEvents): DecodeThread {
  // In this form, bundlers make the Worker a bundle of its own.
  const worker = new Worker(new URL("./worker-web.js", import.meta.url), { type: "module" });
  worker.onmessage = ({ data }) => answer(data);
  worker.onerror = (event) => {
    // What is not prevented is an error of the page.
    event.preventDefault();
    failed(new Error(`The Worker that decodes chunks does not run: ${event.message}`));
  };
  return {
    post: (request, transfer) => worker.postMessage(request, transfer),
    hold: () => undefined,
    stop: () => worker.terminate(),
  };
}
