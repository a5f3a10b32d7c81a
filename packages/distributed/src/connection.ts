import { LazyImageError } from "@lazyimg/core";
import { Redis } from "ioredis";

/** Most that is waited between two tries to get a lost connection back, in milliseconds. */
const PATIENCE = 2000;

/** Where a queue is, without the password that its URL may have. */
function describeQueue(url: string): string {
  if (!URL.canParse(url)) return "a queue";
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname === "/" ? "" : pathname}`;
}

/**
 * A connection to Redis or Valkey, `redis://` or, with TLS, `rediss://`. A password is in the URL or in the variable
 * `REDISCLI_AUTH`, as for redis-cli; a private CA is one of Node's own, by `NODE_EXTRA_CA_CERTS`.
 *
 * A server that is not there at first is an error; one that goes away later is waited for.
 *
 * @throws LazyImageError `ERR_INVALID_ARGUMENT`, `ERR_QUEUE`
 */
export async function connect(url: string): Promise<Redis> {
  if (!/^rediss?:\/\/[^/]/i.test(url) || !URL.canParse(url)) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `A queue is redis://host or rediss://host, not ${describeQueue(url)}`,
    );
  }
  let connected = false;
  const password = new URL(url).password === "" ? process.env.REDISCLI_AUTH : undefined;
  const connection = new Redis(url, {
    ...(password && { password }),
    lazyConnect: true,
    maxRetriesPerRequest: null,
    retryStrategy: (times) => (connected ? Math.min(100 * times, PATIENCE) : null),
  });
  let problem: Error | undefined;
  // Without a listener it would print them; once connected, it tries again by itself.
  connection.on("error", (error: Error) => {
    problem = error;
  });
  try {
    await connection.connect();
    await connection.ping();
  } catch (error) {
    if (connection.status !== "end") connection.disconnect();
    const cause = problem ?? (error as Error);
    throw new LazyImageError(
      "ERR_QUEUE",
      `${describeQueue(url)} cannot be used: ${cause.message || String(cause)}. Start Redis or Valkey there, or check address and password`,
      { cause },
    );
  }
  connected = true;
  return connection;
}
