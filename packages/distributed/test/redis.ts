import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { Redis } from "ioredis";
import { freePort } from "../../../tests/support/stores/proxy.js";

/** A server to test with; without one, tests of queues are left out. */
const SERVER = process.env.REDIS_SERVER ?? "/usr/bin/redis-server";
export const hasRedis: boolean = existsSync(SERVER);

export interface RedisServer {
  readonly port: number;
  readonly url: string;
  /** A client, for looking at what is there. */
  readonly client: Redis;
  /** Kills the server, without a word, and starts it again on what its append-only file has. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

/** A server of one's own that keeps an append-only file. */
export async function startRedis(
  folder: string,
  { args = [], url }: { args?: readonly string[]; url?: (port: number) => string } = {},
): Promise<RedisServer> {
  const port = await freePort();
  const plain = args.some((arg) => arg === "--tls-port") ? [] : ["--port", `${port}`];
  const words = args.map((arg) => (arg === "PORT" ? `${port}` : arg));
  const all = [
    ...plain,
    "--dir",
    folder,
    "--save",
    "",
    "--appendonly",
    "yes",
    "--bind",
    "127.0.0.1",
    ...words,
  ];
  const begin = async (): Promise<ChildProcess> => {
    let said = "";
    // Between a server and the next, somebody else may have the port for a moment.
    for (let tries = 0; tries < 10; tries++) {
      const child = spawn(SERVER, all, { stdio: ["ignore", "pipe", "inherit"] });
      for await (said of createInterface(child.stdout)) {
        if (!said.includes("Ready to accept connections")) continue;
        child.stdout.resume();
        return child;
      }
    }
    throw new Error(`${SERVER} does not start: ${said}`);
  };
  let child = await begin();
  const where = url?.(port) ?? `redis://127.0.0.1:${port}`;
  const client = new Redis(where, { lazyConnect: true, maxRetriesPerRequest: null });
  client.on("error", () => {});
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    const exit = once(child, "exit");
    child.kill(signal);
    await exit;
  };
  return {
    port,
    url: where,
    client,
    async restart() {
      await end("SIGKILL");
      child = await begin();
    },
    async stop() {
      client.disconnect();
      await end("SIGTERM");
    },
  };
}
