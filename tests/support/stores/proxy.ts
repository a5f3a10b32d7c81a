import { execFileSync } from "node:child_process";
import {
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

/** Answers in a store's stead. @returns whether it did */
export type Instead = (request: IncomingMessage, response: ServerResponse) => boolean;

/** A server on loopback that counts requests, hands them on, and may interfere. */
export interface StoreProxy {
  readonly port: number;
  /** Every request since the last look, as "GET /bucket/key". */
  log(): string[];
  /** How requests are met from now on, by default by the store. */
  instead: Instead;
  /** Whose answers get lost, though the store has done what was asked. */
  loses: (request: IncomingMessage) => boolean;
  close(): void;
}

/** Whether there is such a program. */
export function runs(program: string, ...args: string[]): boolean {
  try {
    execFileSync(program, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

export async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

/** A port that is free now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until something answers on a port, whatever it says. */
export async function answering(port: number, ended: () => unknown): Promise<void> {
  for (;;) {
    const answered = await fetch(`http://127.0.0.1:${port}/`).then(
      () => true,
      () => false,
    );
    if (answered) return;
    if (ended() !== null) throw new Error(`the server for port ${port} ended with ${ended()}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** @param target the port that requests go on to */
export async function proxyTo(target: number): Promise<StoreProxy> {
  let requests: string[] = [];
  const server = createServer((request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (proxy.instead(request, response)) {
      request.resume();
      return;
    }
    const { method, url, headers } = request;
    // With the host that was asked for: signatures cover it.
    const onward = httpRequest({ host: "127.0.0.1", port: target, method, path: url, headers }, (answer) => {
      if (proxy.loses(request)) {
        answer.resume().on("end", () => response.destroy());
        return;
      }
      response.writeHead(answer.statusCode!, answer.headers);
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    request.pipe(onward);
  });
  const proxy: StoreProxy = {
    port: await listen(server),
    log() {
      const seen = requests;
      requests = [];
      return seen;
    },
    instead: () => false,
    loses: () => false,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}
