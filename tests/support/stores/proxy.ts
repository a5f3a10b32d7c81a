import {
  Agent,
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
  /** What a request waits for before it is handed on. */
  holds: (request: IncomingMessage) => Promise<void> | undefined;
  /** Whose answers get lost, though the store has done what was asked. */
  loses: (request: IncomingMessage) => boolean;
  /** Interferes no more, and forgets what was asked. */
  behave(): void;
  close(): void;
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

/** A connection each: one that is kept may be closed by the store just when it is used again. */
const agent = new Agent({ keepAlive: false });

const GOOD = { instead: () => false, holds: () => undefined, loses: () => false };

/** @param target the port that requests go on to */
export async function proxyTo(target: number): Promise<StoreProxy> {
  let requests: string[] = [];
  const server = createServer(async (request, response) => {
    requests.push(`${request.method} ${request.url}`);
    if (proxy.instead(request, response)) {
      request.resume();
      return;
    }
    await proxy.holds(request);
    const { method, url, headers } = request;
    // With the host that was asked for: signatures cover it.
    const onward = httpRequest(
      { host: "127.0.0.1", port: target, agent, method, path: url, headers },
      (answer) => {
        if (proxy.loses(request)) {
          answer.resume().on("end", () => response.destroy());
          return;
        }
        response.writeHead(answer.statusCode!, answer.headers);
        answer.pipe(response);
      },
    );
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    request.pipe(onward);
  });
  const proxy: StoreProxy = {
    port: await listen(server),
    ...GOOD,
    log() {
      const seen = requests;
      requests = [];
      return seen;
    },
    behave() {
      Object.assign(proxy, GOOD);
      requests = [];
    },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
  return proxy;
}
