/** The platform's own inflater. */
export interface PlatformInflate {
  /** How many streams it inflates beside JavaScript; 0 where it takes JavaScript's own time, and our kernel is faster. */
  readonly threads: number;
  /** Inflates one raw deflate stream that is expected to give `size` bytes; rejects where it is corrupt or longer. */
  inflate(bytes: Uint8Array<ArrayBuffer>, size: number): Promise<Uint8Array>;
  /** Lets go of an output's memory at once, without waiting for it to be collected. */
  free(output: Uint8Array): void;
}
