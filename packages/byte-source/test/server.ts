import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { vi } from "vitest";

/** A loopback server that misbehaves on demand, and counts. */
export interface TestServer {
  readonly url: string;
  /** The `Range` header of every request so far. */
  readonly ranges: (string | undefined)[];
  /** All requests so far. */
  readonly requests: IncomingMessage[];
  /** Body bytes handed to the network so far. */
  sent: number;
  /** Whether the connection of every request is closed. */
  readonly free: () => boolean;
  close(): Promise<void>;
}

export type Handler = (request: IncomingMessage, response: ServerResponse, count: number) => void;

/** Serves `handler` on a free port of 127.0.0.1. `count` is the number of the request, from 1. */
export async function serve(handler: Handler): Promise<TestServer> {
  const ranges: (string | undefined)[] = [];
  const requests: IncomingMessage[] = [];
  const http = createServer((request, response) => {
    requests.push(request);
    ranges.push(request.headers.range);
    const write = response.write.bind(response) as (chunk: Uint8Array) => boolean;
    response.write = ((chunk: Uint8Array) => {
      server.sent += chunk.length;
      return write(chunk);
    }) as typeof response.write;
    handler(request, response, requests.length);
  });
  http.on("connection", (socket) => {
    socket.on("error", () => {});
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const server: TestServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/scan.nii`,
    ranges,
    requests,
    sent: 0,
    free: () => requests.every((request) => request.socket.destroyed),
    close: () =>
      new Promise((resolve) => {
        http.close(() => resolve());
        http.closeAllConnections();
      }),
  };
  return server;
}

/** Bytes that tell where they are from. */
export function pattern(length: number, seed = 0): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = i * 31 + (i >> 8) * 17 + (i >> 16) * 7 + seed;
  return bytes;
}

/** The range that a request asks for, clipped to `total`; `null` where it asks for none. */
export function asked(request: IncomingMessage, total: number): { start: number; end: number } | null {
  const found = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  if (found === null) return null;
  const last = found[2] === "" ? total - 1 : Math.min(Number(found[2]), total - 1);
  return { start: Number(found[1]), end: last + 1 };
}

/** A handler as a good server has it; `headers` go with every answer. */
export function rangeHandler(body: Uint8Array, headers: Record<string, string> = {}): Handler {
  return (request, response) => {
    const range = asked(request, body.length);
    if (range === null) {
      response.writeHead(200, { "content-length": body.length, ...headers });
      response.write(body);
      response.end();
    } else if (range.start >= body.length) {
      response.writeHead(416, { "content-range": `bytes */${body.length}` });
      response.end();
    } else {
      response.writeHead(206, {
        "content-length": range.end - range.start,
        "content-range": `bytes ${range.start}-${range.end - 1}/${body.length}`,
        ...headers,
      });
      response.write(body.subarray(range.start, range.end));
      response.end();
    }
  };
}

/** A handler that heeds no range. */
export function wholeHandler(body: Uint8Array, headers: Record<string, string | number> = {}): Handler {
  return (_request, response) => {
    response.writeHead(200, { "content-length": body.length, ...headers });
    sendAll(response, body);
  };
}

/** Sends a body in pieces, as fast as its reader takes them. */
export function sendAll(response: ServerResponse, body: Uint8Array): void {
  let position = 0;
  const more = (): void => {
    while (position < body.length && !response.destroyed) {
      const piece = body.subarray(position, position + 65536);
      position += piece.length;
      if (!response.write(piece)) {
        response.once("drain", more);
        return;
      }
    }
    response.end();
  };
  more();
}

export function sleep(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

/** Whether two arrays hold the same bytes; quicker than `toEqual` on large ones. */
export function same(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}

/** Waits until `condition` holds; a test that waits for ever is ended by its own time. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(5);
}

/** Waits until a number that grew is the same for a while. */
export async function untilStill(value: () => number): Promise<void> {
  for (let [last, since] = [0, 0]; since < 20; since++) {
    await sleep(20);
    if (value() !== last || last === 0) since = 0;
    last = value();
  }
}

/** A fetch, and what its callers have got of it. */
export interface WatchedFetch {
  readonly fetch: typeof fetch;
  /** Answers whose headers came. */
  answers: number;
  /** Bytes of bodies that were taken. */
  taken: number;
}

export function watchedFetch(): WatchedFetch {
  const watched: WatchedFetch = {
    answers: 0,
    taken: 0,
    async fetch(input, init) {
      const response = await fetch(input, init);
      watched.answers++;
      // It holds nothing back, so that a piece passes when somebody waits for it.
      const passing = new TransformStream<Uint8Array, Uint8Array>(
        {
          transform(piece, controller) {
            controller.enqueue(piece);
            watched.taken += piece.length;
          },
        },
        undefined,
        { highWaterMark: 0 },
      );
      return new Response(response.body?.pipeThrough(passing), response);
    },
  };
  return watched;
}

/** Timers of one length, which end when they are told to. */
export interface HeldTimers {
  /** How many run. */
  readonly running: number;
  /** Ends them. */
  fire(): void;
}

/** Takes over the timers of just so many milliseconds, until `vi.unstubAllGlobals()`; they should be many. */
export function heldTimers(milliseconds: number): HeldTimers {
  const { setTimeout, clearTimeout } = globalThis;
  const held = new Map<unknown, () => void>();
  vi.stubGlobal("setTimeout", (run: () => void, wait: number, ...rest: []) => {
    const timer = setTimeout(run, wait, ...rest);
    if (wait === milliseconds) held.set(timer, run);
    return timer;
  });
  vi.stubGlobal("clearTimeout", (timer: NodeJS.Timeout | undefined) => {
    held.delete(timer);
    clearTimeout(timer);
  });
  return {
    get running() {
      return held.size;
    },
    fire() {
      const all = [...held];
      held.clear();
      for (const [timer, run] of all) {
        clearTimeout(timer as NodeJS.Timeout);
        run();
      }
    },
  };
}
