// Copies that move 16 bytes at a time: up to 15 bytes behind their end are read and written.

export function copy16(to: usize, from: usize): void {
  v128.store(to, v128.load(from));
}

/** Copies 16 bytes at a time until `end` is reached; `from` and `to` lie at least 16 bytes apart, or do not overlap. */
export function wildCopy(to: usize, from: usize, end: usize): void {
  do {
    copy16(to, from);
    to += 16;
    from += 16;
  } while (to < end);
}
