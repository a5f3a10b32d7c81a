import { createHash } from "node:crypto";

const hash = (text: string): string => createHash("sha256").update(text).digest("hex").slice(0, 32);

/** What is converted, how and to where: the same for the planner and for whoever does its work. */
export const planId = (output: string, fingerprint: string): string => hash(`${output}\n${fingerprint}`);

/** The key of the lease of an output. */
export const leaseKey = (output: string): string => `lazyimg:lease:${hash(output)}`;

/** The key of the run that has a plan at present. */
export const runKey = (plan: string): string => `lazyimg:run:${plan}`;
