import type { NiftiHeader } from "@lazyimg/nifti-header";
import type { LevelLayout } from "./layout.js";
import type { WritePlan } from "./options.js";

type Triple = readonly [i: number, j: number, k: number];

/** Most bytes of voxels that a piece is made from, where one chunk (or shard) does not take more by itself. */
const PIECE_BYTES = 64 << 20;

/**
 * A box of one frame of one level that is read and written on its own: whole chunks (or shards), which no other piece
 * has. A row of them along K where that is not too much to hold, else part of one.
 */
export interface Piece {
  /** What it is called in the journal. */
  readonly name: string;
  readonly level: number;
  readonly frame: number;
  /** First voxel along I, J, K. */
  readonly start: Triple;
  /** Voxel behind the last along I, J, K. */
  readonly stop: Triple;
  /** Bytes of its voxels, before compression. */
  readonly bytes: number;
}

/** What pieces are made of. */
export interface Pieced {
  readonly plan: WritePlan;
  readonly header: NiftiHeader;
  readonly levels: readonly LevelLayout[];
  readonly frames: number;
}

/**
 * Chunks along I, J, K of a piece: all along I before any along J, and one along K.
 *
 * @param chunkBytes bytes of voxels that a chunk is made from
 */
function extentOf(size: Triple, outer: Triple, chunkBytes: number): Triple {
  const most = Math.max(1, Math.floor(PIECE_BYTES / chunkBytes));
  const [ni, nj] = size.map((voxels, axis) => Math.ceil(voxels / outer[axis]!)) as [number, number, number];
  if (most < ni) return [most, 1, 1];
  return [ni, Math.min(nj, Math.floor(most / ni)), 1];
}

/**
 * All pieces in the order in which one process writes them. A piece of a level is made from pieces of the level before,
 * which must be complete.
 */
export function* piecesOf({ plan, header, levels, frames }: Pieced): Generator<Piece> {
  const outer = plan.shard ?? plan.chunk;
  const voxelBytes = header.bitpix / 8;
  const chunkBytes = outer[0] * outer[1] * outer[2] * voxelBytes;
  for (const [level, { size }] of levels.entries()) {
    // Coarser levels are made from eight times as many voxels.
    const extent = extentOf(size, outer, level === 0 ? chunkBytes : 8 * chunkBytes);
    const [di, dj, dk] = extent.map((chunks, axis) => chunks * outer[axis]!) as [number, number, number];
    for (let frame = 0; frame < frames; frame++) {
      for (let k = 0; k < size[2]; k += dk) {
        for (let j = 0; j < size[1]; j += dj) {
          for (let i = 0; i < size[0]; i += di) {
            const start: Triple = [i, j, k];
            const stop: Triple = [
              Math.min(i + di, size[0]),
              Math.min(j + dj, size[1]),
              Math.min(k + dk, size[2]),
            ];
            const voxels = start.reduce((product, from, axis) => product * (stop[axis]! - from), 1);
            const name = `piece ${level}/${frame}/${k}/${j}/${i}`;
            yield { name, level, frame, start, stop, bytes: voxels * voxelBytes };
          }
        }
      }
    }
  }
}
