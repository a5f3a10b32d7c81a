import type { Vector3 } from "@lazyimg/core";
import type { PlaneRequest, TrafficCounts } from "../protocol.js";
import { serve } from "../rpc.js";
import type { ViewerSource } from "../source.js";
import { Session } from "./session.js";
import { Traffic } from "./traffic.js";

/** Counts are told no more often than this, in milliseconds. */
const EVERY = 100;

let telling = false;
const traffic = new Traffic(() => {
  if (telling) return;
  telling = true;
  setTimeout(() => {
    telling = false;
    const { bytes, requests, total } = traffic;
    tell({ bytes, requests, total, cached: session.cached } satisfies TrafficCounts);
  }, EVERY);
});
const session = new Session(traffic);
const tell = serve(globalThis as unknown as Worker, {
  open: ([source], context) => session.open(source as ViewerSource, context),
  plane: ([request], context) => session.plane(request as PlaneRequest, context),
  warm: ([request], context) => session.warm(request as PlaneRequest, context),
  value: ([voxel, channel], context) => session.value(voxel as Vector3, channel as number | null, context),
});
