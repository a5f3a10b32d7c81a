// Medians and tables, shared by the benchmarks.

export const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

/** Milliseconds that `work` takes. */
export async function time(work) {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/**
 * Runs contestants in turns, `rounds` times each; all times by name, in order. Each is warm before: it has run for `warmUp` ms, as code
 * has that reads its hundredth slice.
 */
export async function timesInTurns(contestants, rounds, warmUp = 500) {
  const times = Object.fromEntries(Object.keys(contestants).map((name) => [name, []]));
  for (const run of Object.values(contestants)) {
    const start = performance.now();
    do await run();
    while (performance.now() - start < warmUp);
  }
  for (let round = 0; round < rounds; round++) {
    // Whoever comes after another pays for its caches: the order turns.
    const order = Object.entries(contestants);
    order.push(...order.splice(0, round % order.length));
    for (const [name, run] of order) times[name].push(await run());
  }
  return times;
}

/** As `timesInTurns`, medians. */
export async function inTurns(contestants, rounds, warmUp) {
  const times = await timesInTurns(contestants, rounds, warmUp);
  return Object.fromEntries(Object.entries(times).map(([name, values]) => [name, median(values)]));
}

/** A median with the least and the most, as people read them. */
export const spread = (values) =>
  `${show(median(values))} (${show(Math.min(...values))}–${show(Math.max(...values))})`;

/** Numbers as people read them. */
export const show = (ms) =>
  ms === undefined ? "" : ms >= 100 ? ms.toFixed(0) : ms >= 10 ? ms.toFixed(1) : ms.toFixed(2);

/** A Markdown table. */
export function table(head, rows) {
  const line = (cells) => `| ${cells.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}
