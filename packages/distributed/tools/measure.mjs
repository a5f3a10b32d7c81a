// What sharing a conversion costs and brings, on this machine: `node tools/measure.mjs [GiB] [scans]`, with a redis-server.
// Prints, as JSON, for 1, 2 and 4 workers: time, the processors' time of all workers, the most memory of one, and the
// traffic with Redis and how much of it Redis can do; and how many small scans pass in a second.
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, openSync, readFileSync, rmSync, statSync, writeSync } from "node:fs";
import { createServer } from "node:net";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import "@lazyimg/backend-nifti";
import { writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { convertOnQueue, openQueue, shareable } from "@lazyimg/distributed";
import { openImage } from "@lazyimg/image";
import { encodeNiftiHeader } from "@lazyimg/nifti-header";

const GiB = Number(process.argv[2] ?? 3);
const SCANS = Number(process.argv[3] ?? 200);
const WORKER = fileURLToPath(new URL("../test/worker.mjs", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "lazyimg-measure-"));
const TICKS = Number(execFileSync("getconf", ["CLK_TCK"]));

/** A volume of slowly changing values with some noise: it compresses as a scan does. */
function writeVolume(path, [i, j, k]) {
  const affine = [1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1];
  const file = openSync(path, "w");
  writeSync(file, encodeNiftiHeader({ shape: [1, i, j, k], dtype: "int16", affine }));
  let state = 1;
  const plane = Int16Array.from({ length: i * j }, (_, n) => {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    return 500 + 300 * Math.sin((n % i) / 40) + ((state >> 16) & 15);
  });
  for (let n = 0; n < k; n++) writeSync(file, plane);
}

async function redisServer() {
  const probe = createServer().listen(0, "127.0.0.1");
  await once(probe, "listening");
  const { port } = probe.address();
  probe.close();
  const args = ["--port", port, "--dir", folder, "--save", "", "--appendonly", "yes", "--bind", "127.0.0.1"];
  const child = spawn(process.env.REDIS_SERVER ?? "/usr/bin/redis-server", args.map(String), {
    stdio: ["ignore", "pipe", "inherit"],
  });
  for await (const text of child.stdout) if (String(text).includes("Ready to accept")) break;
  return { url: `redis://127.0.0.1:${port}`, stop: () => child.kill() };
}

async function startWorkers(url, count) {
  const options = JSON.stringify({ allow: [folder] });
  const children = Array.from({ length: count }, () =>
    spawn(process.execPath, [WORKER, url, options], { stdio: ["ignore", "pipe", "inherit"] }),
  );
  for (const { stdout } of children) await once(stdout, "data");
  return children;
}

/** Seconds of processors that a process has used. */
const cpuOf = ({ pid }) => {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS;
};
const peakOf = ({ pid }) =>
  Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))[1]) / 1024;

async function trafficOf({ connection }) {
  const info = await connection.info();
  const [, from] = /total_net_input_bytes:(\d+)/.exec(info);
  const [, to] = /total_net_output_bytes:(\d+)/.exec(info);
  const [, commands] = /total_commands_processed:(\d+)/.exec(info);
  const [, system] = /used_cpu_sys:([\d.]+)/.exec(info);
  const [, user] = /used_cpu_user:([\d.]+)/.exec(info);
  return {
    bytes: Number(from) + Number(to),
    commands: Number(commands),
    cpuSeconds: Number(system) + Number(user),
  };
}

async function measured(url, count, work) {
  const workers = await startWorkers(url, count);
  const queue = await openQueue(url);
  try {
    const [traffic, cpu, begun] = [await trafficOf(queue), workers.map(cpuOf), Date.now()];
    const own = process.cpuUsage();
    const jobs = await work(queue);
    const seconds = (Date.now() - begun) / 1000;
    const { user, system } = process.cpuUsage(own);
    const after = await trafficOf(queue);
    return {
      workers: count,
      seconds,
      cpuSeconds: Number(workers.reduce((sum, worker, n) => sum + cpuOf(worker) - cpu[n], 0).toFixed(1)),
      plannerCpuSeconds: Number(((user + system) / 1e6).toFixed(1)),
      peakMiB: Math.round(Math.max(...workers.map(peakOf))),
      jobs,
      redisBytesPerJob: Math.round((after.bytes - traffic.bytes) / jobs),
      redisCommandsPerJob: Number(((after.commands - traffic.commands) / jobs).toFixed(1)),
      // What one Redis can do, which does one after the other.
      redisCommandsPerCpuSecond: Math.round(
        (after.commands - traffic.commands) / (after.cpuSeconds - traffic.cpuSeconds),
      ),
    };
  } finally {
    await queue.close();
    for (const worker of workers) worker.kill("SIGKILL");
  }
}

/** Converts a volume, and gives how many jobs that took. */
async function convert(queue, source) {
  const output = `${source}.zarr`;
  const image = await openImage(source);
  let jobs = 0;
  await convertOnQueue(
    queue,
    { source: shareable(source), image: image.dataobj, output },
    { onProgress: () => jobs++ },
  );
  await image.close();
  rmSync(output, { recursive: true });
  return jobs;
}

const redis = await redisServer();
try {
  const [small, large, scan] = ["small.nii", "large.nii", "scan.nii"].map((name) => join(folder, name));
  writeVolume(small, [1024, 1024, 128 * GiB]);
  writeVolume(large, [1024, 1024, 512 * GiB]);
  writeVolume(scan, [192, 192, 160]);
  const results = [];
  const image = await openImage(large);
  const [begun, cpu] = [Date.now(), process.cpuUsage()];
  await writeNiftiZarr(image.dataobj, `${large}.zarr`);
  const { user, system } = process.cpuUsage(cpu);
  const alone = { seconds: (Date.now() - begun) / 1000, cpuSeconds: (user + system) / 1e6 };
  await image.close();
  rmSync(`${large}.zarr`, { recursive: true });
  for (const count of [1, 2, 4])
    results.push(await measured(redis.url, count, (queue) => convert(queue, large)));
  const quarter = await measured(redis.url, 2, (queue) => convert(queue, small));
  const scans = await measured(redis.url, 2, async (queue) => {
    let left = SCANS;
    let jobs = 0;
    const lane = async (n) => {
      const image = await openImage(scan);
      while (left-- > 0) {
        const output = join(folder, `${n}.zarr`);
        await convertOnQueue(
          queue,
          { source: scan, image: image.dataobj, output },
          { onProgress: () => jobs++, force: true },
        );
      }
      await image.close();
    };
    await Promise.all(Array.from({ length: 16 }, (_, n) => lane(n)));
    return jobs;
  });
  const report = {
    processors: availableParallelism(),
    volumeBytes: statSync(large).size,
    alone,
    shared: results,
    quarterOfIt: quarter,
    scans: { count: SCANS, bytesEach: statSync(scan).size, perSecond: SCANS / scans.seconds, ...scans },
  };
  process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
} finally {
  redis.stop();
  rmSync(folder, { recursive: true });
}
