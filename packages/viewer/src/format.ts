const UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** Bytes as people read them. */
export function formatBytes(bytes: number): string {
  const unit = bytes < 1024 ? 0 : Math.min(UNITS.length - 1, Math.floor(Math.log2(bytes) / 10));
  const value = bytes / 1024 ** unit;
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${UNITS[unit]}`;
}

/** A number for people: up to six digits that count. */
export function formatNumber(value: number): string {
  return String(Number(value.toPrecision(6)));
}
