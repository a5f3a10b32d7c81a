import { LazyImageError } from "@lazyimg/core";

/** Browsers have no file paths to write to. */
export async function createFile(destination: string): Promise<WritableStream<Uint8Array>> {
  throw new LazyImageError(
    "ERR_UNSUPPORTED",
    `A browser cannot write to the path ${destination}; give writeNifti a WritableStream, such as a FileSystemWritableFileStream.`,
  );
}
