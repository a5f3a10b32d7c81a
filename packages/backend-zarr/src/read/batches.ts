import type { ArraySpec } from "../meta/array-spec.js";
import type { Need } from "./needs.js";

/** Decoded bytes of one row: enough chunks to copy at once, little enough to hold several. */
const ROW_BYTES = 16 << 20;
/** Decoded bytes that are fetched at once from one shard. */
const BATCH_BYTES = 64 << 20;

/** Neighbouring chunks that are decoded together: one task. */
export interface Row {
  readonly needs: readonly Need[];
  /** Of a single chunk: it is decoded all and kept. */
  readonly whole: boolean;
}

/** Rows whose chunks are fetched together. */
export interface Batch {
  readonly needs: readonly Need[];
  readonly rows: readonly Row[];
}

/**
 * Rows of chunks that follow each other along one axis, those of one shard in one batch.
 *
 * @param most chunks of a row at most
 * @param isKept whether a chunk is to be decoded all and kept
 */
export function batchesOf(
  { chunkBytes, order, sharding }: ArraySpec,
  needs: readonly Need[],
  most: number,
  isKept: (key: string) => boolean,
): Batch[] {
  // Chunks run along the fastest axis that has several of them here: of a sagittal plane, not x but y.
  const [head] = needs;
  const varies = (axis: number) =>
    needs.some(({ coordinates }) => coordinates[axis] !== head!.coordinates[axis]);
  const running = order.findLast(varies);
  const limit = (bytes: number) => Math.max(1, Math.floor(bytes / chunkBytes));
  const rows: (Row & { readonly needs: Need[] })[] = [];
  let row: Need[] | undefined;
  for (const need of needs) {
    if (isKept(need.key)) {
      rows.push({ needs: [need], whole: true });
      row = undefined;
      continue;
    }
    const before = row?.at(-1);
    const continues =
      before !== undefined &&
      row!.length < Math.min(most, limit(ROW_BYTES)) &&
      (sharding === undefined || before.object === need.object) &&
      need.coordinates.every((at, axis) => at === before.coordinates[axis]! + (axis === running ? 1 : 0));
    if (continues) row!.push(need);
    else {
      row = [need];
      rows.push({ needs: row, whole: false });
    }
  }
  if (sharding === undefined) return rows.map((one) => ({ needs: one.needs, rows: [one] }));
  return byShard(rows, limit(BATCH_BYTES));
}

/** @param most chunks of a batch at most, where a row alone has no more */
function byShard(rows: readonly Row[], most: number): Batch[] {
  const shards = new Map<string, Row[][]>();
  for (const one of rows) {
    const object = one.needs[0]!.object;
    const groups = shards.get(object) ?? [[]];
    shards.set(object, groups);
    const chunks = groups.at(-1)!.reduce((sum, other) => sum + other.needs.length, 0);
    if (chunks > 0 && chunks + one.needs.length > most) groups.push([]);
    groups.at(-1)!.push(one);
  }
  return [...shards.values()]
    .flat()
    .map((group) => ({ needs: group.flatMap(({ needs }) => needs), rows: group }));
}
