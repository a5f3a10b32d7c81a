// Serves files of a folder by ranges, each answer `?latency=` milliseconds late; prints its port. In a process of its own,
// so that it takes no time from whoever reads.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { basename, join } from "node:path";

const [folder] = process.argv.slice(2);
const counts = { requests: 0, bytes: 0 };

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://localhost");
  if (url.pathname === "/counts") {
    response.end(JSON.stringify(counts));
    Object.assign(counts, { requests: 0, bytes: 0 });
    return;
  }
  const path = join(folder, basename(url.pathname));
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return response.writeHead(404).end();
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const start = Number(range?.[1] ?? 0);
  const end = Math.min(size - 1, range?.[2] ? Number(range[2]) : size - 1);
  counts.requests++;
  if (request.method === "GET") counts.bytes += end - start + 1;
  setTimeout(
    () => {
      response.writeHead(range ? 206 : 200, {
        "Content-Length": end - start + 1,
        "Accept-Ranges": "bytes",
        ETag: `"${size}"`,
        ...(range && { "Content-Range": `bytes ${start}-${end}/${size}` }),
      });
      if (request.method === "HEAD") return response.end();
      createReadStream(path, { start, end, highWaterMark: 1 << 20 }).pipe(response);
    },
    Number(url.searchParams.get("latency") ?? 0),
  );
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
