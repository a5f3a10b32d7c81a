import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** One request of a client. */
export interface Served {
  readonly key: string;
  readonly range: string | undefined;
  readonly bytes: number;
}

/** A real server of one image, with a log. */
export interface ImageServer {
  readonly url: string;
  readonly log: Served[];
  /** Called before each answer; may wait, or give another status. */
  before: ((key: string) => Promise<number | undefined> | number | undefined) | undefined;
  /** Requests that the client took back. */
  aborted: number;
  close(): Promise<void>;
}

/** Serves files at /image.zarr/ on the loopback interface. */
export async function serve(files: ReadonlyMap<string, Uint8Array>): Promise<ImageServer> {
  const log: Served[] = [];
  const server: Server = createServer(async (request, response) => {
    response.setHeader("access-control-allow-origin", "*");
    response.setHeader("access-control-expose-headers", "content-range");
    const key = decodeURIComponent(request.url!.replace(/\?.*$/, "")).replace("/image.zarr", "");
    let finished = false;
    response.on("finish", () => {
      finished = true;
    });
    response.on("close", () => {
      if (!finished) result.aborted++;
    });
    const status = await result.before?.(key);
    const file = files.get(key);
    if (status !== undefined || file === undefined) {
      log.push({ key, range: request.headers.range, bytes: 0 });
      response.writeHead(status ?? 404).end();
      return;
    }
    const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const start = match === null ? 0 : Number(match[1]);
    const end = match === null || match[2] === "" ? file.length : Math.min(file.length, Number(match[2]) + 1);
    const body = file.subarray(start, end);
    log.push({ key, range: request.headers.range, bytes: body.length });
    if (match === null) response.writeHead(200, { "content-length": body.length }).end(body);
    else if (start >= file.length)
      response.writeHead(416, { "content-range": `bytes */${file.length}` }).end();
    else {
      const contentRange = `bytes ${start}-${end - 1}/${file.length}`;
      response.writeHead(206, { "content-length": body.length, "content-range": contentRange }).end(body);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const result: ImageServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/image.zarr`,
    log,
    before: undefined,
    aborted: 0,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
  return result;
}
