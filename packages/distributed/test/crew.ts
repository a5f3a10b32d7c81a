import { mkdtempSync, readdirSync, realpathSync, rmSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import "@lazyimg/backend-nifti";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { openImage } from "@lazyimg/image";
import { afterAll, beforeAll, expect } from "vitest";
import type { Started } from "../../../tests/support/process.js";
import { Gate } from "./gate.js";
import {
  differences,
  kill,
  startPlanner,
  startWorker,
  tree,
  type WorkerProcess,
  writeNoise,
} from "./processes.js";
import { type RedisServer, startRedis } from "./redis.js";

/** Of each kind of kill so many: LAZYIMG_QUEUE_KILLS=20 in the long form. */
export const KILLS = Number(process.env.LAZYIMG_QUEUE_KILLS ?? 2);

/** Jobs that the image is converted in: rows of chunks of three levels. */
export const JOBS = 10 + 5 + 3;
/** Chunks of a row of the finest level, and of all rows. */
export const ROW = 7 * 7;
const CHUNKS = 10 * ROW + 5 * (4 * 4) + 3 * (2 * 2);

/** What `planner.mjs` writes by. */
const OPTIONS = { chunk: 16, codec: "gzip", levels: 3 } as const;

/** A whole number from 0 on, less than `end`. */
const below = (end: number): number => Math.floor(Math.random() * end);

/** A queue and workers that convert an image of noise, and hold where a test says so. Files and servers live as long as the tests. */
export class Crew {
  folder!: string;
  readonly gate: Gate = new Gate();
  readonly workers: WorkerProcess[] = [];
  redis!: RedisServer;
  #expected!: ReadonlyMap<string, Buffer>;
  readonly #lease: number | undefined;

  /** @param lease milliseconds of silence after which a worker counts as dead */
  constructor({ size, lease }: { size: number; lease?: number }) {
    this.#lease = lease;
    beforeAll(async () => {
      this.folder = realpathSync(mkdtempSync(join(tmpdir(), "lazyimg-queue-")));
      writeNoise(this.source, [112, 112, 160]);
      this.redis = await startRedis(this.folder);
      await Promise.all(Array.from({ length: size }, () => this.hire()));
      this.#expected = await this.alone("alone");
      expect([...this.#expected.keys()].filter((name) => /^\d\/c\//.test(name))).toHaveLength(CHUNKS);
    });
    afterAll(async () => {
      await Promise.all(this.workers.map(({ child }) => kill(child)));
      await this.redis.stop();
      rmSync(this.folder, { recursive: true });
    });
  }

  /** One worker more. */
  async hire(): Promise<void> {
    this.workers.push(
      await startWorker(this.redis.url, [this.folder], { lease: this.#lease, gate: this.gate }),
    );
  }

  /** A worker that holds with a piece unfinished; which of them is left to chance. */
  holder(): WorkerProcess {
    const { holders } = this.gate;
    const child = holders[below(holders.length)];
    return this.workers.find((worker) => worker.child === child)!;
  }

  /** The jobs that workers have done. */
  get done(): string[] {
    return this.workers.flatMap(({ reports }) => reports.map(({ job }) => job));
  }

  get source(): string {
    return join(this.folder, "noise.nii");
  }

  output(name: string): string {
    return join(this.folder, `${name}.zarr`);
  }

  /** What one process writes. */
  async alone(name: string, options: object = {}): Promise<ReadonlyMap<string, Buffer>> {
    const image = await openImage(this.source);
    await writeNiftiZarr(image.dataobj, this.output(name), { ...OPTIONS, ...options });
    await image.close();
    return tree(this.output(name));
  }

  /** Has the workers convert the image. */
  plan(name: string, options: object = {}): Started {
    return startPlanner(this.redis.url, this.source, this.output(name), options);
  }

  /** The same; when this settles, so many chunks were let through, and at least one worker holds at another. */
  async planUntil(name: string, chunks: number): Promise<Started> {
    this.gate.let(chunks);
    const planning = this.plan(name);
    const early = planning.outcome.then(({ stderr }) => {
      throw new Error(`It ended before ${chunks} chunks were written: ${stderr}`);
    });
    await Promise.race([this.gate.held(), early]);
    return planning;
  }

  /** The same, somewhere on the way: there are `left` chunks, one or more, that nobody has written. */
  async planPartly(name: string): Promise<Started & { readonly left: number }> {
    const chunks = below(CHUNKS);
    return { ...(await this.planUntil(name, chunks)), left: CHUNKS - chunks };
  }

  /** A conversion that must be right, and leave nothing but its output. */
  async check(name: string): Promise<void> {
    expect(differences(this.output(name), this.#expected)).toEqual([]);
    expect(readdirSync(this.folder).filter((entry) => entry.startsWith(`${name}.`))).toEqual([
      `${name}.zarr`,
    ]);
    await rm(this.output(name), { recursive: true });
  }
}
