// Serves the files below a folder by ranges, as `/LATENCY/PATH`: each answer comes so many milliseconds late. Prints its
// port; `/counts` gives requests and bytes since it was last asked. In a process of its own, so that it takes no time from
// whoever reads.
import { createReadStream, statSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";

const [folder] = process.argv.slice(2);
const counts = { requests: 0, bytes: 0 };

function serve(request, response, path) {
  const size = statSync(path, { throwIfNoEntry: false })?.size;
  if (size === undefined) return response.writeHead(404).end();
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const start = Number(range?.[1] ?? 0);
  const end = Math.min(size - 1, range?.[2] ? Number(range[2]) : size - 1);
  response.writeHead(range ? 206 : 200, {
    "Content-Length": end - start + 1,
    "Accept-Ranges": "bytes",
    ETag: `"${size}"`,
    ...(range && { "Content-Range": `bytes ${start}-${end}/${size}` }),
  });
  if (request.method === "HEAD") return response.end();
  counts.bytes += end - start + 1;
  createReadStream(path, { start, end, highWaterMark: 1 << 20 }).pipe(response);
}

const server = createServer((request, response) => {
  const [, latency, ...names] = new URL(request.url, "http://localhost").pathname.split("/");
  if (latency === "counts") {
    response.end(JSON.stringify(counts));
    Object.assign(counts, { requests: 0, bytes: 0 });
    return;
  }
  counts.requests++;
  const path = join(folder, ...names.map(decodeURIComponent).filter((name) => name !== ".."));
  setTimeout(serve, Number(latency), request, response, path);
});
server.listen(0, "127.0.0.1", () => console.log(server.address().port));
