import { randomBytes } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { pipeline } from "node:stream/promises";

/** More ranges than this, or longer ones, are not answered together. */
const MOST_RANGES = 64;
const LONGEST = 2 ** 20;

interface Range {
  readonly first: number;
  readonly last: number;
}

/** The ranges of a `Range` header: several that lie in order inside of the file, and apart; otherwise `null`. */
function rangesOf(header: string, size: number): Range[] | null {
  if (header.length > 50 * MOST_RANGES || !/^bytes=\d+-\d+(, *\d+-\d+)+$/.test(header)) return null;
  const ranges = [...header.matchAll(/(\d+)-(\d+)/g)].map(([, first, last]) => ({
    first: Number(first),
    last: Number(last),
  }));
  const isSound = ranges.every(
    ({ first, last }, n) =>
      first > (ranges[n - 1]?.last ?? -1) && first <= last && last < size && last - first < LONGEST,
  );
  return isSound && ranges.length <= MOST_RANGES ? ranges : null;
}

/**
 * Answers a request for several ranges of a file at once, as `multipart/byteranges` (RFC 9110, section 14.6): a plane that
 * lies all over a file is many ranges, and a browser takes milliseconds for each request.
 *
 * @returns whether it did; what else was asked for is somebody else's
 */
export async function sendRanges(
  { headers, method }: IncomingMessage,
  response: ServerResponse,
  path: string,
): Promise<boolean> {
  if (method !== "GET" || !headers.range?.includes(",")) return false;
  const file = await open(path);
  try {
    const stat = await file.stat();
    const ranges = stat.isFile() ? rangesOf(headers.range, stat.size) : null;
    if (ranges === null) return false;
    const boundary = randomBytes(12).toString("hex");
    const heads = ranges.map(
      ({ first, last }) =>
        `\r\n--${boundary}\r\nContent-Type: application/octet-stream\r\nContent-Range: bytes ${first}-${last}/${stat.size}\r\n\r\n`,
    );
    const tail = `\r\n--${boundary}--\r\n`;
    const length = ranges.reduce(
      (sum, { first, last }, n) => sum + heads[n]!.length + last + 1 - first,
      tail.length,
    );
    response.writeHead(206, {
      "content-type": `multipart/byteranges; boundary=${boundary}`,
      "content-length": length,
      "last-modified": stat.mtime.toUTCString(),
    });
    await pipeline(async function* () {
      for (const [n, range] of ranges.entries()) {
        yield heads[n]!;
        yield await bytesOf(file, range);
      }
      yield tail;
    }, response);
    return true;
  } finally {
    await file.close();
  }
}

async function bytesOf(file: FileHandle, { first, last }: Range): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(last + 1 - first);
  const { bytesRead } = await file.read(bytes, 0, bytes.length, first);
  if (bytesRead < bytes.length) throw new Error("The file has become shorter.");
  return bytes;
}
