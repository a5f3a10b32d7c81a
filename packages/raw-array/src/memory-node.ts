import { constants } from "node:buffer";

// glibc gives freed memory back to the system beyond twice the size of the largest block that it has unmapped, and then has to
// fetch it again page by page: up to half of the time of a slice. This block is never touched, so it takes no memory, and is unmapped
// by the first collection: 31 MiB is the most that counts (M_MMAP_THRESHOLD). Other allocators take no notice.
new ArrayBuffer(31 << 20);

/** Memory that was not cleared, which takes a quarter of a slice's time: all of it is written before anybody sees it. */
export function freshMemory(bytes: number): ArrayBuffer {
  return bytes > constants.MAX_LENGTH
    ? new ArrayBuffer(bytes)
    : (Buffer.allocUnsafeSlow(bytes).buffer as ArrayBuffer);
}
