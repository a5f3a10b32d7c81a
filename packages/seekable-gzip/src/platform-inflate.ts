/** The platform's own inflater. */
export interface PlatformInflate {
  /** Whether it has threads: it inflates several streams at once, beside JavaScript. Else our kernel is faster. */
  readonly threaded: boolean;
  /** The first `size` bytes of a raw deflate stream, fewer where it ends before; rejects where it is corrupt up to there. */
  inflate(bytes: Uint8Array<ArrayBuffer>, size: number): Promise<Uint8Array>;
  /** Lets go of an output's memory at once, without waiting for it to be collected. */
  free(output: Uint8Array): void;
}
