import { readFileSync } from "../store/directory-web.js";
import { TaskRunner } from "./task.js";
import { serveTasks } from "./worker-protocol.js";

const serve = serveTasks(new TaskRunner(readFileSync), (message, transfer) =>
  globalThis.postMessage(message, { transfer }),
);
globalThis.addEventListener("message", ({ data }) => serve(data));
