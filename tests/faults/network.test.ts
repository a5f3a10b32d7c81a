import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";
import { bytesOf } from "@lazyimg/core";
import { type Fault, misbehavingServer } from "@lazyimg/testkit/server";
import { beforeAll, describe, expect, test } from "vitest";
import { startNode } from "../support/process.js";
import { makeSample } from "./support/sample.js";

/**
 * What is read over a network that fails is right, or an error that says what happened; and the process that read it ends
 * by itself, with its images left open. The server, the sockets and the process that reads are real.
 */

/** One of every backend, or of every way to read; the formats that are not compressed are read as one. */
const CONTAINERS = [
  "scan.nii",
  "scan.nii.gz",
  "indexed.nii.gz",
  "scan.zarr",
  "scan.zarr.zip",
  "scan.mgz",
  "packed.nrrd",
  "apart.mhd",
  "scan.mif",
  "scan.npy",
] as const;
type Container = (typeof CONTAINERS)[number];
/** Milliseconds that a server may be silent where nothing else is said; a process has half of them in all. */
const PATIENCE = 1_200_000;
/** Processes at a time. */
const AT_ONCE = 4;

/** A fault, when it comes, and what must come of it: the voxels, or one of these codes. */
interface Scenario {
  readonly name: string;
  readonly fault: Fault;
  /** Of the requests that meet it, how many are spared, and how many are not. */
  readonly skip?: number;
  readonly times?: number;
  /** Whether it begins when the image is open already. */
  readonly late?: boolean;
  /** Milliseconds for which the server may send nothing. */
  readonly timeout?: number;
  readonly outcome: string;
  /** That of a folder, whose files are requests of their own. */
  readonly folder?: string;
  /** That of C order, in which the region is one request. */
  readonly single?: string;
}

const VOXELS = "voxels";

const scenarios: readonly Scenario[] = [
  { name: "a reset before the answer", fault: { kind: "reset", bytes: 0 }, times: 2, outcome: VOXELS },
  {
    name: "resets amid the body",
    fault: { kind: "reset", bytes: 300 },
    times: 2,
    late: true,
    outcome: VOXELS,
  },
  { name: "nothing but resets", fault: { kind: "reset", bytes: 100 }, late: true, outcome: "ERR_HTTP" },
  {
    name: "a body that ends early",
    fault: { kind: "truncate", bytes: 500 },
    times: 2,
    late: true,
    outcome: VOXELS,
  },
  { name: "bodies without bytes", fault: { kind: "truncate", bytes: 0 }, late: true, outcome: "ERR_HTTP" },
  { name: "a stall", fault: { kind: "hang" }, times: 1, late: true, timeout: 2000, outcome: VOXELS },
  { name: "nothing but stalls", fault: { kind: "hang" }, late: true, timeout: 1000, outcome: "ERR_HTTP" },
  { name: "bodies that drip", fault: { kind: "drip", bytes: 32_768, everyMs: 2 }, outcome: VOXELS },
  {
    name: "fewer bytes than were asked for",
    fault: { kind: "short", bytes: 3000 },
    times: 2,
    late: true,
    outcome: VOXELS,
  },
  { name: "200 for 206", fault: { kind: "ignore-range" }, outcome: VOXELS },
  { name: "200 for 206 amid ranges", fault: { kind: "ignore-range" }, late: true, outcome: VOXELS },
  { name: "416 for every range", fault: { kind: "unsatisfiable" }, late: true, outcome: "ERR_" },
  {
    name: "ranges of another place",
    fault: { kind: "content-range", value: "bytes 7-9/1000" },
    late: true,
    outcome: "ERR_HTTP",
  },
  {
    name: "ranges that are not named",
    fault: { kind: "content-range", value: null },
    late: true,
    outcome: "ERR_HTTP",
  },
  { name: "ranges that are compressed", fault: { kind: "gzip" }, late: true, outcome: "ERR_HTTP" },
  {
    name: "an ETag that changes each time",
    fault: { kind: "change" },
    late: true,
    outcome: "ERR_CHANGED",
    folder: VOXELS,
  },
  {
    name: "an ETag that changes amid a region",
    fault: { kind: "change" },
    skip: 1,
    late: true,
    outcome: "ERR_CHANGED",
    single: VOXELS,
    folder: VOXELS,
  },
  {
    name: "a server that is busy at first",
    fault: { kind: "status", status: 503, retryAfter: 0 },
    times: 2,
    outcome: VOXELS,
  },
  { name: "a server that is down", fault: { kind: "status", status: 502 }, outcome: "ERR_HTTP" },
  { name: "a refusal", fault: { kind: "status", status: 403 }, late: true, outcome: "ERR_HTTP" },
  {
    name: "a file that is gone",
    fault: { kind: "status", status: 404 },
    late: true,
    outcome: "ERR_NOT_FOUND",
    folder: "fill",
  },
  { name: "a redirect that never ends", fault: { kind: "redirect", to: "/scan.nii" }, outcome: "ERR_HTTP" },
];

/** What one process made of every scenario, with one container. */
interface Run {
  readonly lines: readonly { readonly outcome: string; readonly message?: string }[];
  readonly code: number | null;
  readonly stderr: string;
}

const index = [null, null, null, 21];
const script = fileURLToPath(new URL("support/read-over-network.mjs", import.meta.url));
const hash = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");
const runs = new Map<Container, Run>();
let voxels: string;
let fill: string;

async function runAll(container: Container, files: Readonly<Record<string, Uint8Array>>): Promise<Run> {
  const server = await misbehavingServer(files);
  const control = createServer((request, response) => {
    const [, stage, n] = request.url!.split("/");
    const { fault, late = false, skip = 0, times = Number.POSITIVE_INFINITY } = scenarios[Number(n)]!;
    if (late === (stage === "read")) server.misbehave(fault, { skip, times });
    else if (stage === "open") server.behave();
    response.end();
  });
  await new Promise<void>((resolve) => control.listen(0, "127.0.0.1", resolve));
  const plan = {
    control: `http://127.0.0.1:${(control.address() as AddressInfo).port}/`,
    index,
    readings: scenarios.map(({ timeout = PATIENCE }) => ({
      url: server.url + container,
      options: { timeout, retries: 2 },
    })),
  };
  const args = ["--unhandled-rejections=strict", script, JSON.stringify(plan)];
  const { code, stdout, stderr } = await startNode(args, { hangs: PATIENCE / 2 }).outcome;
  control.close();
  await server.close();
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Run["lines"][number]);
  return { lines, code, stderr };
}

beforeAll(async () => {
  const { tensor, files } = await makeSample([2, 96, 96, 40]);
  const wanted = bytesOf(tensor.slice([null, null, null, 21]).copy("C").data);
  voxels = hash(wanted);
  fill = hash(new Uint8Array(wanted.length));
  const next = CONTAINERS.values();
  const lane = async () => {
    for (const container of next) runs.set(container, await runAll(container, files));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
}, 3 * PATIENCE);

describe.each(scenarios.map((scenario, n) => ({ ...scenario, n })))(
  "$name",
  ({ outcome, folder, single, n }) => {
    test.each(CONTAINERS)("%s", (container) => {
      const { [container]: due = outcome } = { "scan.zarr": folder, "scan.npy": single } as Partial<
        Record<Container, string>
      >;
      const found = runs.get(container)!.lines[n];
      const name = { [voxels]: VOXELS, [fill]: "fill" }[found?.outcome ?? ""] ?? found?.outcome;
      expect(name, found?.message).toMatch(new RegExp(`^${due}`));
      // Nobody learns what is wrong from a code alone.
      if (name?.startsWith("ERR_")) expect(found!.message!.length).toBeGreaterThan(30);
    });
  },
);

test.each(CONTAINERS)("the process that read %s ends by itself, and says nothing", (container) => {
  const { code, stderr } = runs.get(container)!;
  // Without its sidecar, a file is read from the beginning; that is told.
  const warned =
    container === "indexed.nii.gz" ? /^(The gzip index beside the file is not used: .+\n)+$/ : /^$/;
  expect(stderr).toMatch(warned);
  // Idle keep-alive connections hold no process; a request or its timer would, until it is killed.
  expect(code).toBe(0);
});
