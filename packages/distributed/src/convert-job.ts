import { type JoinedConversion, joinNiftiZarr } from "@lazyimg/backend-zarr/write";
import { LazyImageError } from "@lazyimg/core";
import type { Bench } from "./bench.js";
import type { Closable } from "./held.js";
import { isUrl } from "./locations.js";
import type { ConvertPayload } from "./payload.js";
import { planId, runKey } from "./plan-id.js";
import type { OpenSource } from "./sources.js";

/** A conversion that this worker has joined. */
export interface Joined extends Closable {
  readonly conversion: JoinedConversion;
}

/**
 * Writes some pieces of a conversion.
 *
 * @returns whether it was done: not for a run that has ended, or was begun anew
 * @throws LazyImageError `ERR_NOT_ALLOWED`; `ERR_CHANGED` where the source is another one here; and what reading and
 * writing throw
 */
export async function doConvert(
  { connection, allowance, conversions, open }: Bench,
  payload: ConvertPayload,
  signal: AbortSignal,
): Promise<boolean> {
  const { source, output, plan, run, first, count } = payload;
  await allowance.check(source);
  await allowance.check(output);
  if (!isUrl(output)) await allowance.check(`${output}.partial`);
  if ((await connection.get(runKey(plan))) !== run) return false;
  try {
    // A job of another output in the same run is nobody's.
    const { conversion } = await conversions.get(`${run} ${plan}`, () => join(open, payload, signal));
    for (const piece of conversion.pieces.slice(first, first + count))
      await conversion.write(piece, { signal });
  } catch (error) {
    await conversions.drop(`${run} ${plan}`);
    throw error;
  }
  return true;
}

async function join(
  open: OpenSource,
  { source, output, plan, writing }: ConvertPayload,
  signal: AbortSignal,
): Promise<Joined> {
  const { image, id, close } = await open(source, { signal });
  try {
    const conversion = await joinNiftiZarr(image, output, { ...writing, sourceId: id, signal });
    if (planId(output, conversion.fingerprint) === plan) {
      return {
        conversion,
        async close() {
          await conversion.close();
          await close();
        },
      };
    }
    await conversion.close();
    throw new LazyImageError(
      "ERR_CHANGED",
      `${source} is not what was planned: it has changed since, or is another file on this machine`,
    );
  } catch (error) {
    await close();
    throw error;
  }
}
