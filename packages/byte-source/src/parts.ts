/** Bytes in parts of one size, but for the last, as stores want them. Each part is memory of its own. */
export async function* partsOf(pieces: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let part: Uint8Array | undefined;
  let filled = 0;
  for await (const piece of pieces) {
    for (let at = 0; at < piece.length; ) {
      part ??= new Uint8Array(size);
      const taken = piece.subarray(at, at + size - filled);
      part.set(taken, filled);
      at += taken.length;
      filled += taken.length;
      if (filled < size) continue;
      yield part;
      part = undefined;
      filled = 0;
    }
  }
  if (part !== undefined) yield part.subarray(0, filled);
}

/** Sends parts, some at a time, in no order; the first failure ends it, when nothing is being sent any more. */
export async function sendParts<T>(
  parts: AsyncIterable<Uint8Array>,
  most: number,
  send: (part: Uint8Array, number: number) => Promise<T>,
): Promise<T[]> {
  const results: T[] = [];
  const under = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  try {
    let number = 0;
    for await (const part of parts) {
      const at = number++;
      const sending: Promise<void> = send(part, at)
        .then((result) => {
          results[at] = result;
        })
        .catch((error: unknown) => {
          failure ??= { error };
        })
        .finally(() => under.delete(sending));
      under.add(sending);
      if (under.size >= most) await Promise.race(under);
      if (failure !== undefined) throw failure.error;
    }
  } finally {
    await Promise.all(under);
  }
  if (failure !== undefined) throw failure.error;
  return results;
}
