import type { Region } from "@lazyimg/distributed";

export default function sums(
  region: Region,
  options?: unknown,
): { sum: number; sizes: number[]; corner: number[]; options: unknown };
