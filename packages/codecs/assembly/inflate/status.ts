// What stops `run`.

export const NEED_INPUT: i32 = 0;
export const OUTPUT_FULL: i32 = 1;
export const BLOCK: i32 = 2;
export const END: i32 = 3;
export const CORRUPT: i32 = -1;
