import { parentPort } from "node:worker_threads";
import { readFileSync } from "../store/directory-node.js";
import { TaskRunner } from "./task.js";
import { serveTasks } from "./worker-protocol.js";

const serve = serveTasks(new TaskRunner(readFileSync), (message, transfer) =>
  parentPort?.postMessage(message, transfer),
);
parentPort?.on("message", serve);
