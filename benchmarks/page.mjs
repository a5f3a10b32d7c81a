// docs/performance.md, from results.
import { show, table } from "./measure.mjs";
import { reasons } from "./reasons.mjs";

const mib = (bytes) => show(bytes / 2 ** 20);
const ratioOf = (a, b) => (a / b).toFixed(a / b < 9.95 ? 2 : 0);
const ours = "lazyimg";
const limit = "limit";
const isPeer = (label) => !label.startsWith(ours) && label !== limit;

const labelsOf = (works) => [...new Set(works.flatMap(({ results }) => Object.keys(results)))];
const spreadOf = ({ median, quartiles: [low, high] }) => `${show(median)} (${show(low)}–${show(high)})`;

/** Times, and how many times ours each is. */
function timesTable(works) {
  const others = labelsOf(works).filter((label) => label !== ours && label !== limit);
  const limited = labelsOf(works).includes(limit);
  const head = [
    "ms: median (quartiles)",
    ours,
    ...(limited ? ["the limit", "lazyimg / limit"] : []),
    ...others,
  ];
  const rows = works.map(({ work, results }) => {
    const mine = results[ours];
    const theirs = (label) =>
      results[label] ? `${spreadOf(results[label])}, ${ratioOf(results[label].median, mine.median)}×` : "";
    const best = results[limit];
    const limits = best ? [spreadOf(best), ratioOf(mine.median, best.median)] : ["", ""];
    return [work, spreadOf(mine), ...(limited ? limits : []), ...others.map(theirs)];
  });
  return table(head, rows);
}

/** Memory, and what is read. */
function costsTable(works) {
  const labels = labelsOf(works).filter((label) => label !== limit);
  const cell = (one) => {
    if (one?.peak === undefined) return "";
    if (one.bytes === undefined) return mib(one.peak);
    return `${mib(one.peak)} / ${one.requests} / ${mib(one.bytes)}`;
  };
  const head = ["peak MiB of the process / reads / MiB read", ...labels];
  return table(
    head,
    works.map(({ work, results }) => [work, ...labels.map((label) => cell(results[label]))]),
  );
}

function manyTable(many) {
  const names = Object.keys(many);
  const cell = ({ ms, handles, rss }) => `${(1000 * ms).toFixed(0)} / ${handles} / ${mib(rss)}`;
  return table(
    [
      "images; microseconds each / open files / MiB of memory",
      ...names.map((name) => (name === limit ? "the limit" : name)),
    ],
    many[ours].map(({ count }, n) => [
      count.toLocaleString("en"),
      ...names.map((name) => cell(many[name][n])),
    ]),
  );
}

/** The same numbers as those of other sections have them. */
const worksOfMany = (many) =>
  many[ours].map(({ count }, n) => ({
    work: `${count} images`,
    results: Object.fromEntries(
      Object.entries(many).map(([name, rows]) => [name, { median: rows[n].ms, peak: rows[n].rss }]),
    ),
  }));

/** What peers are better at, of one kind of number. */
function lossesOfWorks(works, kind, numberOf) {
  return works.flatMap(({ work, results }) =>
    Object.entries(results).flatMap(([peer, result]) => {
      const [theirs, mine] = [numberOf(result), numberOf(results[ours])];
      // What reads next to nothing has mapped the file, which is not counted.
      const mapped = kind === "bytes" && ((theirs < 1024 && result.requests === 1) || theirs < mine / 1000);
      if (!isPeer(peer) || theirs === undefined || mapped) return [];
      if (kind === "time" && result.quartiles?.[1] >= results[ours].quartiles?.[0]) return [];
      return [{ peer, work, kind, ratio: theirs / mine }];
    }),
  );
}

const KINDS = {
  time: ({ median }) => median,
  memory: ({ peak }) => peak,
  bytes: ({ bytes }) => bytes,
};

/** Where others are ahead by more than a twentieth, and why. */
function losses(results, sections) {
  const groups = new Map();
  const whyOf = (...what) => reasons.find(({ of }) => what.every((part, n) => of[n].test(part)))?.why ?? "";
  for (const { name, title } of sections) {
    const { many, works = many ? worksOfMany(many) : [] } = results.sections[name] ?? {};
    const found = Object.entries(KINDS).flatMap(([kind, numberOf]) => lossesOfWorks(works, kind, numberOf));
    for (const { peer, work, kind, ratio } of found.filter((loss) => loss.ratio < 0.95)) {
      const key = [title, kind, peer, whyOf(title, kind, peer, work)].join("\n");
      groups.set(key, [...(groups.get(key) ?? []), `${work} ${ratio.toFixed(2)}`]);
    }
  }
  return table(
    ["section", "of", "peer", "work, and its part of ours", "why"],
    [...groups].map(([key, works]) => {
      const [title, kind, peer, why] = key.split("\n");
      return [title, kind, peer, works.join("; "), why];
    }),
  );
}

function bodyOf({ works, many }) {
  if (many !== undefined) return manyTable(many);
  return `${timesTable(works)}\n\n${costsTable(works)}`;
}

/** The page. @param results as run.mjs writes them */
export function page(results, sections) {
  const measured = sections.filter(({ name }) => results.sections[name]);
  const parts = measured.map(
    ({ name, title, about }) => `## ${title}\n\n${about}\n\n${bodyOf(results.sections[name])}\n`,
  );
  const dates = measured.map(({ name }) => results.sections[name].date.slice(0, 10)).sort();
  return `# Performance

Made by \`pnpm bench\` from \`benchmarks/results.json\`, on ${results.machine}, ${[...new Set([dates[0], dates.at(-1)])].join(" to ")}.

## Where others are ahead

By more than a twentieth, and of times by more than the quartiles of both, of everything below. A number is the peer's median (or peak, or bytes) divided by lazyimg's.

${losses(results, sections)}

## How it is measured

Each contestant does each piece of work in a process of its own, and they take turns, in another order each time: up to 25
rounds, and no fewer than 3. What takes less than 20 ms is read up to 8 times in a row, elsewhere each time, as by somebody who
scrolls, and the median counts; “alone” is one read at a turn, by a process that slept while the others had the processor. Of
those that start within a second, such short work is done by five processes, one after the other, because whether an allocator
has memory at hand or asks the system for fresh pages is luck that stays with a process, and doubles the time of a slice.
Whoever reads at first says how many voxels it found and their sum, and they must agree. Then each runs for 0.4 s, as code has
that reads its hundredth slice. Numbers are medians with quartiles; × is how many times as long as lazyimg a peer takes. Memory
is the most that the process had after its first read, with its runtime: Node takes 45 MiB, Python with numpy and nibabel 40,
with torch 600. Reads and bytes are those of one round: on disk as Linux counts them, in which memory maps do not show; over
HTTP as the server counts them. Machines differ, and busy ones lie: compare
within a row. \`node benchmarks/compare.mjs A.json B.json\` compares two runs.

${table(["", "version"], Object.entries(results.versions))}

${parts.join("\n")}`;
}
