import { type FileHandle, lstat, open, rename, unlink } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { LazyImageError } from "@lazyimg/core";

/**
 * A new file as a stream: written beside its destination and renamed into place when it is closed; removed when the
 * stream is aborted. So the destination is complete at any time, or as it was before.
 *
 * @param destination a path or a file: URL
 * @throws LazyImageError `ERR_IO` when the file cannot be created or written, `ERR_UNSUPPORTED` when there is a FIFO, a
 * socket or a device, which would be replaced
 */
export async function createFile(destination: string): Promise<WritableStream<Uint8Array>> {
  const path = /^file:/i.test(destination) ? fileURLToPath(destination) : destination;
  const partial = `${path}.${process.pid}-${Math.random().toString(36).slice(2, 8)}.partial`;
  const failed = (cause: unknown) =>
    new LazyImageError("ERR_IO", `${path} cannot be written: ${(cause as Error).message}`, { cause });
  const found = await lstat(path).catch(() => undefined);
  if (found?.isFIFO() || found?.isSocket() || found?.isCharacterDevice() || found?.isBlockDevice()) {
    throw new LazyImageError(
      "ERR_UNSUPPORTED",
      `${path} is a FIFO, a socket or a device: give the path of a file`,
    );
  }
  let file: FileHandle;
  try {
    file = await open(partial, "wx");
  } catch (cause) {
    throw failed(cause);
  }
  const drop = async (): Promise<void> => {
    await file.close().catch(() => {});
    await unlink(partial).catch(() => {});
  };
  return new WritableStream({
    async write(piece) {
      try {
        for (let done = 0; done < piece.length; ) done += (await file.write(piece, done)).bytesWritten;
      } catch (cause) {
        await drop();
        throw failed(cause);
      }
    },
    async close() {
      try {
        await file.close();
        await rename(partial, path);
      } catch (cause) {
        await drop();
        throw failed(cause);
      }
    },
    abort: drop,
  });
}
