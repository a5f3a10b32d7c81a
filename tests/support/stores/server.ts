import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { setTimeout as pause } from "node:timers/promises";
import { freePort, proxyTo, type StoreProxy } from "./proxy.js";

/** Whether there is such a program. */
export function runs(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** How often a port that was free is taken before the server has it. */
const TRIES = 3;

/** Waits until a server answers, whatever it says. @returns whether it did before it ended */
async function answers(port: number, server: ChildProcess): Promise<boolean> {
  while (server.exitCode === null && server.signalCode === null) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (answered) return true;
    await pause(50);
  }
  return false;
}

/** The server of a store, behind a proxy. */
export interface ServerBehind {
  readonly proxy: StoreProxy;
  /** The proxy's URL. */
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** @param argsOf the program's arguments: the port to listen on, and the one that others see */
export async function serve(
  program: string,
  argsOf: (port: number, seen: number) => string[],
): Promise<ServerBehind> {
  for (let tries = 1; tries <= TRIES; tries++) {
    const port = await freePort();
    const proxy = await proxyTo(port);
    const { close } = proxy;
    const server = spawn(program, argsOf(port, proxy.port), { stdio: "ignore" });
    const ended = once(server, "exit");
    if (await answers(port, server)) {
      return {
        proxy,
        endpoint: `http://127.0.0.1:${proxy.port}`,
        async stop() {
          close();
          server.kill();
          await ended;
        },
      };
    }
    close();
  }
  throw new Error(`${program} ended ${TRIES} times before it answered`);
}
