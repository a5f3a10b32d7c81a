import { onAbort } from "@lazyimg/core/abort";

/** A range that waits to be asked for with others. */
interface Waiting {
  readonly first: number;
  readonly last: number;
  readonly init: RequestInit;
  resolve(response: Response): void;
  reject(reason: unknown): void;
}

/** Longer ranges go alone, and no more than so many together. */
const LONGEST = 2 ** 17;
const MOST = 64;

/**
 * A `fetch` that asks for ranges of one file that are wanted at the same time in one request (RFC 9110, section 14.6): a plane
 * that lies all over a file is many short ranges, and a browser takes milliseconds for each request. A server that does not
 * answer so is asked for one after the other from then on.
 *
 * @param origin of the page: another origin would have to give leave for such a request; `undefined` outside of pages
 */
export function together(fetchOne: typeof fetch, origin: string | undefined): typeof fetch {
  const queues = new Map<string, Waiting[]>();
  let isAnswered = origin !== undefined;

  const alone = (url: string, { init, resolve, reject }: Waiting): void =>
    void fetchOne(url, init).then(resolve, reject);

  async function ask(url: string, batch: readonly Waiting[]): Promise<void> {
    if (batch.length === 1) return alone(url, batch[0]!);
    const { init } = batch[0]!;
    const headers = new Headers(init.headers);
    headers.set("range", `bytes=${batch.map(({ first, last }) => `${first}-${last}`).join(",")}`);
    const controller = new AbortController();
    const left = new Set(batch);
    const stays = batch.map((waiting) => {
      const { signal } = waiting.init;
      return signal
        ? onAbort(signal, () => {
            waiting.reject(signal.reason);
            left.delete(waiting);
            if (left.size === 0) controller.abort(signal.reason);
          })
        : () => {};
    });
    try {
      const response = await fetchOne(url, { ...init, headers, signal: controller.signal });
      const parts = await partsOf(response);
      // A server that sends everything would do so for each.
      isAnswered &&= parts !== null;
      for (const waiting of left) {
        const part = parts?.get(waiting.first);
        if (part !== undefined) waiting.resolve(part);
        else alone(url, waiting);
      }
    } catch (error) {
      for (const { reject } of left) reject(error);
    } finally {
      for (const stay of stays) stay();
    }
  }

  function flush(url: string): void {
    const queue = (queues.get(url) ?? []).filter(({ init, reject }) => {
      if (init.signal?.aborted) reject(init.signal.reason);
      return !init.signal?.aborted;
    });
    queues.delete(url);
    queue.sort((a, b) => a.first - b.first);
    let batch: Waiting[] = [];
    for (const waiting of queue) {
      if (batch.length === MOST || waiting.first <= (batch.at(-1)?.last ?? -1)) {
        void ask(url, batch);
        batch = [];
      }
      batch.push(waiting);
    }
    if (batch.length > 0) void ask(url, batch);
  }

  return (input, init = {}) => {
    const url = String(input);
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init.headers).get("range") ?? "") ?? [];
    const isShort = last !== undefined && Number(last) - Number(first) < LONGEST;
    if (!isAnswered || !isShort || !url.startsWith(`${origin}/`)) return fetchOne(input, init);
    return new Promise((resolve, reject) => {
      let queue = queues.get(url);
      if (queue === undefined) {
        queue = [];
        queues.set(url, queue);
        setTimeout(() => flush(url));
      }
      queue.push({ first: Number(first), last: Number(last), init, resolve, reject });
    });
  };
}

/** The ranges in an answer, by their first byte, each as an answer of its own; `null` where it is none of several ranges. */
async function partsOf(response: Response): Promise<Map<number, Response> | null> {
  const { status, headers, body } = response;
  if (status !== 206 || !headers.get("content-type")?.startsWith("multipart/byteranges")) {
    await body?.cancel();
    return null;
  }
  const bytes = new Uint8Array(await response.arrayBuffer());
  const text = new TextDecoder("latin1");
  const parts = new Map<number, Response>();
  let at = 0;
  for (;;) {
    // What each part says of itself is short, and ends with an empty line.
    const head = text.decode(bytes.subarray(at, at + 1024));
    const [said, range, from, to] =
      /^[\s\S]*?\r\ncontent-range: *(bytes (\d+)-(\d+)\/\d+)[\s\S]*?\r\n\r\n/i.exec(head) ?? [];
    if (said === undefined) return parts;
    const start = at + said.length;
    at = start + Number(to) + 1 - Number(from);
    if (at > bytes.length) return parts;
    const own = new Headers(headers);
    own.set("content-range", range!);
    own.set("content-length", String(at - start));
    own.delete("content-type");
    parts.set(Number(from), new Response(bytes.subarray(start, at), { status, headers: own }));
  }
}
