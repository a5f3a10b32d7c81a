// What `decode` returns instead of a length.

export const CORRUPT: i32 = -1;
export const TRUNCATED: i32 = -2;
export const DICTIONARY: i32 = -3;
export const CHECKSUM: i32 = -4;
export const TOO_LONG: i32 = -5;
export const WRONG_SIZE: i32 = -6;
export const NO_FRAME: i32 = -7;
