/** Bytes as people read them: `352 B`, `1.4 MiB`. */
export function formatBytes(bytes: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

/** A number without the noise of float32: `1.2` for 1.2000000476837158. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const short = Number(value.toPrecision(6));
  return String(Object.is(short, -0) ? 0 : short);
}

export const formatList = (values: readonly number[]): string => `(${values.map(formatNumber).join(", ")})`;

/** What was read, in a few words. */
export function formatTraffic({ bytes, requests }: { bytes: number; requests: number }): string {
  return `${formatBytes(bytes)} in ${requests} ${requests === 1 ? "request" : "requests"}`;
}
