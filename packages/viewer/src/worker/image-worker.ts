import type { Vector3 } from "@lazyimg/core";
import { Link, type Port } from "@lazyimg/worker-link";
import type { PlaneRequest, TrafficCounts } from "../protocol.js";
import type { OpenOptions, ViewerSource } from "../source.js";
import { Session } from "./session.js";
import { Traffic } from "./traffic.js";

/** Counts are told no more often than this, in milliseconds. */
const EVERY = 100;

// A Worker's, not a page's.
declare const self: Port;

let telling = false;
const traffic = new Traffic(() => {
  if (telling) return;
  telling = true;
  setTimeout(() => {
    telling = false;
    const { bytes, requests, total } = traffic;
    void link.call("traffic", [{ bytes, requests, total, cached: session.cached } satisfies TrafficCounts]);
  }, EVERY);
});
const session = new Session(traffic);
const link = new Link(self, {
  open: ([source, options], context) => session.open(source as ViewerSource, options as OpenOptions, context),
  plane: ([request], context) => session.plane(request as PlaneRequest, context),
  warm: ([request], context) => session.warm(request as PlaneRequest, context),
  value: ([voxel, channel], context) => session.value(voxel as Vector3, channel as number | null, context),
});
