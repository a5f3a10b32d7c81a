import { existsSync, readFileSync } from "node:fs";
import type { Browser, Page } from "playwright";

/** What a page takes, in bytes. */
export interface Memory {
  /** What the page itself holds, buffers included. */
  readonly page: number;
  /** What each of its Workers holds. */
  readonly workers: readonly number[];
  /** The most that its process ever had in memory; 0 where no /proc tells. */
  readonly peak: number;
}

const held = ({ usedSize = 0, backingStorageSize = 0 }): number => usedSize + backingStorageSize;

/** Measured by the browser, after it collected its garbage. */
export async function memoryOf(browser: Browser, page: Page): Promise<Memory> {
  const client = await page.context().newCDPSession(page);
  await client.send("HeapProfiler.collectGarbage");
  const own = held(await client.send("Runtime.getHeapUsage"));
  const sessions: string[] = [];
  client.on("Target.attachedToTarget", ({ sessionId, targetInfo }) => {
    if (targetInfo.type === "worker") sessions.push(sessionId);
  });
  await client.send("Target.setAutoAttach", {
    autoAttach: true,
    waitForDebuggerOnStart: false,
    flatten: false,
  });
  let ids = 0;
  const ask = async (sessionId: string, method: string): Promise<Parameters<typeof held>[0]> => {
    const id = ++ids;
    const answer = new Promise<Parameters<typeof held>[0]>((resolve) =>
      client.on("Target.receivedMessageFromTarget", ({ message }) => {
        const told = JSON.parse(message);
        if (told.id === id) resolve(told.result);
      }),
    );
    await client.send("Target.sendMessageToTarget", { sessionId, message: JSON.stringify({ id, method }) });
    return answer;
  };
  const workers: number[] = [];
  for (const session of sessions) {
    await ask(session, "HeapProfiler.collectGarbage");
    workers.push(held(await ask(session, "Runtime.getHeapUsage")));
  }
  await client.detach();
  const { processInfo } = await (await browser.newBrowserCDPSession()).send("SystemInfo.getProcessInfo");
  const peaks = processInfo
    .map(({ id, type }) => ({ path: `/proc/${id}/status`, type }))
    .filter(({ path, type }) => type === "renderer" && existsSync(path))
    .map(({ path }) => 1024 * Number(/VmHWM:\s*(\d+) kB/.exec(readFileSync(path, "latin1"))?.[1]));
  return { page: own, workers, peak: Math.max(0, ...peaks) };
}
