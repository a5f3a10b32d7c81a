// The two buffers that the host fills and reads.

export const WINDOW: u32 = 32768;
export const IN_SIZE: u32 = 1 << 18;
export const OUT_SIZE: u32 = 1 << 18;

// The longest match past the end of the output, and what a 16-byte copy writes behind it.
export const OUT_SLOP: u32 = 512;

export const IN: usize = memory.data(IN_SIZE + 64, 16);
export const OUT: usize = memory.data(WINDOW + OUT_SIZE + OUT_SLOP, 16);
export const OUT_START: usize = OUT + WINDOW;
export const OUT_END: usize = OUT + WINDOW + OUT_SIZE;
