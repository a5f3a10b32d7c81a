// Medians and tables, shared by the benchmarks.

export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Numbers as people read them. */
export const show = (value) =>
  value === undefined
    ? ""
    : value >= 100
      ? value.toFixed(0)
      : value >= 10
        ? value.toFixed(1)
        : value.toFixed(2);

/** A median with the least and the most. */
export const spread = (values) =>
  `${show(median(values))} (${show(Math.min(...values))}–${show(Math.max(...values))})`;

/** A Markdown table. */
export function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
