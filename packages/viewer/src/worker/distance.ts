import type { ReadPlan } from "@lazyimg/core";
import type { PlaneRequest } from "../protocol.js";
import type { ViewerSource } from "../source.js";

/** Where an image is read from: a file, a server on this machine, or one across a network. */
export type Distance = "file" | "machine" | "network";

const MIB = 2 ** 20;

/**
 * What a request costs, as bytes that could have been read meanwhile. Of a server on this machine that is much: Chromium
 * takes 10 ms for a mebibyte, and some 5 ms for a request, or 2 ms for a range that goes with others.
 */
const REQUEST: Readonly<Record<Distance, number>> = { file: MIB / 16, machine: MIB / 4, network: MIB / 8 };
/** What a first picture may cost: about a second. */
const QUICK: Readonly<Record<Distance, number>> = {
  file: 48 * MIB,
  machine: 48 * MIB,
  network: 4 * MIB,
};
/** Most bytes that are read for a plane unasked: on this machine as many as it takes, in the background. */
const UNASKED: Readonly<Record<Distance, number>> = {
  file: Number.POSITIVE_INFINITY,
  machine: Number.POSITIVE_INFINITY,
  network: 64 * MIB,
};
/** Each round may cost so many times as much as the one before: what is read again is a third of it all. */
const ROUND = 4;
/** A first picture is worth its cost where all of it costs so many times as much. */
const WORTH = 2;

/** What may be read for a plane: in this round, and at last. */
export function budgetOf(
  { effort, round = 0 }: Pick<PlaneRequest, "effort" | "round">,
  distance: Distance,
): { now: number; most: number } {
  if (effort === "quick") return { now: QUICK[distance], most: QUICK[distance] };
  const most = effort === "all" ? Number.POSITIVE_INFINITY : UNASKED[distance];
  return { now: Math.min(most, QUICK[distance] * ROUND ** (round + 1)), most };
}

export function distanceOf(source: ViewerSource): Distance {
  if (source.kind !== "url") return "file";
  const { hostname } = new URL(source.url);
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(hostname) ? "machine" : "network";
}

/** What a read costs, in bytes, requests included. Without a plan, what is asked for is all that is read: nobody knows. */
export function costOf(plan: ReadPlan | undefined, distance: Distance): number {
  return plan === undefined ? Number.POSITIVE_INFINITY : plan.bytes + plan.requests * REQUEST[distance];
}

/** Whether a plane of this cost is so slow to have that a coarse one is wanted first. */
export const isSlow = (cost: number, distance: Distance): boolean =>
  Number.isFinite(cost) && cost > WORTH * QUICK[distance];
