/** Keeps indexes between runs. Keys are any strings; losing an entry costs a pass, nothing more. */
export interface IndexCache {
  get(key: string): Promise<Uint8Array | null>;
  set(key: string, bytes: Uint8Array): Promise<void>;
}
