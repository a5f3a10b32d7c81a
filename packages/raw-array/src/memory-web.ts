/** Memory to be written to; browsers clear it first. */
export function freshMemory(bytes: number): ArrayBuffer {
  return new ArrayBuffer(bytes);
}
