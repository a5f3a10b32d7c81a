// Contestants in processes of their own, taking turns at one piece of work.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { relative } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { median } from "./measure.mjs";
import { peerModules, peerPython } from "./peer.mjs";
import { picker } from "./volumes.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
/** Most rounds, least rounds, and milliseconds of one contestant's turns in all after which there are no more than the least. */
const ROUNDS = 25;
const LEAST = 3;
const BUDGET = 1500;
/** Most reads of a turn, and milliseconds after which a turn has no more: short ones come in a row, as when somebody scrolls. */
const ROW = 8;
const TURN = 20;
/** Milliseconds for which a contestant runs before it is measured. */
const WARM_UP = 400;
/**
 * What takes less than `TURN` is measured in so many processes, one after the other, of those that start within `START`
 * milliseconds: whether the allocator gives back memory to the system after a read, or keeps it for the next, is luck that
 * stays with a process, and fresh pages cost as much as reading.
 */
const LIVES = 5;
const START = 1000;

const isDone = (times) => times.length >= LEAST && times.reduce((a, b) => a + b) > BUDGET;

/** Starts a contestant; `null` where its environment cannot be made. */
function start({ module, name, python, fresh }, task) {
  const json = JSON.stringify({ ...task, ...(fresh !== undefined && { fresh }) });
  const command = commandOf({ module, name, python }, json);
  if (command === null) return null;
  const child = spawn(command[0], command.slice(1), { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${name} stopped`);
    return JSON.parse(value);
  };
  return {
    pid: child.pid,
    ready: answer(),
    ask(command) {
      child.stdin.write(`${JSON.stringify(command)}\n`);
      return answer();
    },
    async stop() {
      child.stdin.end();
      await once(child, "exit");
    },
  };
}

function commandOf({ module, name, python }, json) {
  if (python !== undefined) {
    const interpreter = peerPython(python);
    return interpreter && [interpreter, here("contestants/peer.py"), name, json];
  }
  const environment = { "whole-file": "javascript/", zarrita: "zarrita/" }[module];
  if (environment !== undefined && peerModules(environment) === null) return null;
  return [process.execPath, here("contestants/host.mjs"), module, name, json];
}

/** Serves the temporary folder. */
export async function startServer() {
  const server = spawn(process.execPath, [here("range-server.mjs"), tmpdir()], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [port] = await once(createInterface({ input: server.stdout }), "line");
  const origin = `http://127.0.0.1:${port}`;
  return {
    urlOf: (path, latency) => `${origin}/${latency}/${relative(tmpdir(), path)}`,
    counts: async () => (await fetch(`${origin}/counts`)).json(),
    stop: () => server.kill(),
  };
}

/** Most memory that a process has had, in bytes. Linux's `ru_maxrss` would begin with that of who started it. */
function peakOf({ pid }) {
  const path = `/proc/${pid}/status`;
  return existsSync(path) ? 1024 * Number(/VmHWM:\s+(\d+)/.exec(readFileSync(path, "utf8"))[1]) : undefined;
}

/** Reads and bytes of a process so far, in which Linux counts neither memory maps nor sockets' peers. */
function readsOf(pid) {
  const path = `/proc/${pid}/io`;
  if (!existsSync(path)) return undefined;
  const [, bytes, requests] = /rchar: (\d+).*syscr: (\d+)/s.exec(readFileSync(path, "utf8"));
  return { requests: Number(requests), bytes: Number(bytes) };
}

/** Requests and bytes of one turn: the server's count, or the system's. */
async function counted(server, { pid }, turn) {
  if (server !== undefined) {
    await server.counts();
    const answer = await turn();
    return { answer, ...(await server.counts()) };
  }
  const before = readsOf(pid);
  const answer = await turn();
  const after = readsOf(pid);
  if (before === undefined) return { answer };
  return { answer, requests: after.requests - before.requests, bytes: after.bytes - before.bytes };
}

/** The median of the reads of a turn, in milliseconds. */
async function turn(read, most) {
  const times = [];
  for (let spent = 0; times.length < most && spent < TURN; spent += times.at(-1))
    times.push((await read(times.length)).ms);
  return median(times);
}

function result(times, facts) {
  const sorted = [...times].sort((a, b) => a - b);
  const quartiles = [sorted[sorted.length >> 2], sorted[(3 * sorted.length) >> 2]];
  return { median: median(times), quartiles, rounds: times.length, ...facts };
}

/**
 * Lets contestants do a piece of work by turns. All must find the same voxels.
 *
 * @returns by label: milliseconds (median, quartiles), rounds, peak memory in bytes, and bytes and requests of one turn
 */
export async function compete(work, contestants, server) {
  const path = await work.file(work.shape);
  const { shape, order, fresh = false, empty = false, first = false, paused = false, latency } = work;
  const { sidecar, levels, warm } = work;
  const row = paused ? 1 : ROW;
  const url = server ? server.urlOf(path, latency) : path;
  const task = { path: url, shape, order, fresh, empty, first, sidecar, levels, warm };
  const pick = picker(7);
  const indices = (work.places ?? Array.from({ length: ROUNDS * row }, () => pick(10_000) / 10_000)).map(
    work.index,
  );

  let wanted;
  /** Starts a contestant, whose voxels must be those of the others, and lets it warm up; `null` where there is none. */
  async function begin(contestant) {
    const begun = performance.now();
    const process = start(contestant, task);
    if (process === null) return null;
    await process.ready;
    const isQuick = performance.now() - begun < START;
    const { ms, size, sum } = await process.ask({ index: indices[0], check: true });
    wanted ??= { size, sum };
    if (size !== wanted.size || sum !== wanted.sum)
      throw new Error(
        `${work.name}: ${contestant.label} finds ${size} voxels of sum ${sum}, and others ${JSON.stringify(wanted)}`,
      );
    const peak = peakOf(process);
    for (let spent = ms; spent < WARM_UP; ) spent += 0.1 + (await process.ask({ index: indices[0] })).ms;
    return { process, peak, isShort: isQuick && ms < TURN };
  }

  const running = [];
  for (const contestant of contestants) {
    const begun = await begin(contestant);
    if (begun !== null) running.push({ contestant, ...begun, times: [] });
  }
  for (let round = 0; round < ROUNDS; round++) {
    // Whoever comes after another pays for its caches: the order turns.
    const turns = running.map((_, n) => running[(n + round) % running.length]);
    for (const one of turns) {
      if (isDone(one.times)) continue;
      if (one.isShort && round > 0 && round % (ROUNDS / LIVES) === 0) {
        await one.process.stop();
        Object.assign(one, await begin(one.contestant));
      }
      const read = (n) => one.process.ask({ index: indices[(round * row + n) % indices.length] });
      if (round > 0) {
        one.times.push(await turn(read, row));
        continue;
      }
      const { answer, bytes, requests } = await counted(server, one.process, () => read(0));
      Object.assign(one, { bytes, requests });
      one.times.push(answer.ms < TURN ? await turn(read, row) : answer.ms);
    }
  }
  await Promise.all(running.map((one) => one.process.stop()));
  return Object.fromEntries(
    running.map(({ contestant, times, peak, bytes, requests }) => [
      contestant.label,
      result(times, { peak, bytes, requests }),
    ]),
  );
}

/** Milliseconds from the start of a process until it has opened the image, or until it ends; and its peak memory. */
async function startUp(contestant, task) {
  const begun = performance.now();
  if (contestant.command !== undefined) {
    await once(
      spawn(
        process.execPath,
        contestant.command.map((part) => part.replace("PATH", task.path)),
      ),
      "exit",
    );
    return { ms: performance.now() - begun };
  }
  const started = start({ ...contestant, fresh: false }, { ...task, empty: false });
  await started.ready;
  const ms = performance.now() - begun;
  const peak = peakOf(started);
  await started.stop();
  return { ms, peak };
}

/** As `compete`, of what it takes from the start of a process until it has opened the image. */
export async function race(work, contestants) {
  const task = { path: await work.file(work.shape), shape: work.shape };
  const running = contestants
    .filter((one) => one.command !== undefined || commandOf(one, "") !== null)
    .map((one) => ({ ...one, times: [] }));
  for (let round = 0; round < ROUNDS; round++)
    for (const one of running) {
      if (isDone(one.times)) continue;
      const { ms, peak } = await startUp(one, task);
      one.times.push(ms);
      one.peak = peak;
    }
  return Object.fromEntries(running.map(({ label, times, peak }) => [label, result(times, { peak })]));
}
