/** What all fixtures hold. */
export function sample(): Uint8Array;
