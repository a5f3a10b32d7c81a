import type { Piece } from "@lazyimg/backend-zarr/write";

/** Bytes of voxels in a job, where one piece is not more by itself. */
const JOB_BYTES = 32 << 20;

/** Pieces in a row, which one worker takes together. */
export interface PieceRun {
  readonly first: number;
  readonly count: number;
}

/**
 * Pieces as jobs, in stages: those of a stage can be done in any order, when all before it are done. A stage is a level,
 * and the last levels, where they are small, are one job.
 */
export function stagesOf(pieces: readonly Piece[], jobBytes: number = JOB_BYTES): PieceRun[][] {
  const stages: PieceRun[][] = [];
  let rest = pieces.reduce((sum, { bytes }) => sum + bytes, 0);
  let at = 0;
  while (at < pieces.length) {
    if (rest <= jobBytes) return [...stages, [{ first: at, count: pieces.length - at }]];
    const stage: PieceRun[] = [];
    const { level } = pieces[at]!;
    while (pieces[at]?.level === level) {
      const first = at;
      let bytes = 0;
      do bytes += pieces[at++]!.bytes;
      while (pieces[at]?.level === level && bytes + pieces[at]!.bytes <= jobBytes);
      stage.push({ first, count: at - first });
      rest -= bytes;
    }
    stages.push(stage);
  }
  return stages;
}
