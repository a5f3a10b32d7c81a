/** Told how many bytes of an answer have passed; browsers keep such buffers outside of the page's heap. */
export function passed(_bytes: number): void {}
