import type { Redis } from "ioredis";
import type { Allowance } from "./allow.js";
import type { Joined } from "./convert-job.js";
import type { Held } from "./held.js";
import type { OpenedSource, OpenSource } from "./sources.js";

/** What a worker does its jobs with. */
export interface Bench {
  readonly connection: Redis;
  readonly allowance: Allowance;
  /** Modules that it may load, without symbolic links. */
  readonly modules: ReadonlySet<string>;
  readonly open: OpenSource;
  /** Conversions and images of runs that it has worked for lately. */
  readonly conversions: Held<Joined>;
  readonly images: Held<OpenedSource>;
}
