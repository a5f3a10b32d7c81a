import { remoteOf, type TransportRequest } from "@lazyimg/byte-source";
import { isForbidden, type RemoteWriter, remoteWriter } from "@lazyimg/byte-source/remote";
import { isLazyImageError, LazyImageError } from "@lazyimg/core";
import { httpStore } from "../store/http.js";
import type { Store } from "../store/store.js";
import { type Head, headOf, headThere, Journal, partsIn } from "./journal.js";
import type { JoinedSink, OutputSink } from "./sink.js";

/** Options of writing into an object store. */
export interface ObjectsOptions extends TransportRequest {
  readonly signal?: AbortSignal | undefined;
}

/** What makes a hierarchy of what is beneath it. */
const ROOTS = ["zarr.json", ".zmetadata", ".zarray", ".zattrs", ".zgroup"];
/** The part that says that nothing of before is left. */
const CLEARED = "cleared";
/** Objects that are removed at a time. */
const AT_A_TIME = 16;
/** How long an aborted writer takes to note what it did, in milliseconds. */
const LAST_NOTE = 10_000;
/** Who writes along looks so often whether that is still wanted, in milliseconds. */
const LOOK = 10_000;

/** A destination: what is written to it and read again, and the folder of journals beside it. */
interface Place {
  readonly out: string;
  readonly store: Store;
  readonly data: RemoteWriter;
  readonly journals: RemoteWriter;
}

async function placeOf(destination: string, request: TransportRequest): Promise<Place> {
  const out = destination.replace(/(?<=.)\/+$/, "");
  const remote = remoteOf(out, request);
  const data = await remoteWriter(out, request);
  const journals = await remoteWriter(`${out}.lazyimg-journal`, request);
  if (remote === null || data === null || journals === null) {
    throw new LazyImageError("ERR_INVALID_ARGUMENT", `Not the URL of an object store: ${destination}`);
  }
  return { out, data, journals, store: httpStore(remote.url, { fetch: remote.fetch }) };
}

/** Gives `undefined` where these credentials may not do that. */
async function unlessForbidden<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isForbidden(error)) return undefined;
    throw error;
  }
}

/** Whether anything is beneath a URL; `undefined` where it may not be listed. */
const isUsed = (writer: RemoteWriter, signal: AbortSignal | undefined): Promise<boolean | undefined> =>
  unlessForbidden(
    (async () => {
      for await (const keys of writer.list({ signal })) if (keys.length > 0) return true;
      return false;
    })(),
  );

/** Whether there is a hierarchy, as far as that can be told without listing. */
async function hasRoot(writer: RemoteWriter, signal: AbortSignal | undefined): Promise<boolean> {
  for (const key of ROOTS) {
    if ((await unlessForbidden(writer.get(key, { signal }))) !== undefined) return true;
  }
  return false;
}

/** The names of all journals, where they may be listed. */
async function namesIn(journals: RemoteWriter, signal?: AbortSignal | undefined): Promise<string[]> {
  const all = async (): Promise<string[]> => {
    const names: string[] = [];
    for await (const page of journals.list({ signal })) names.push(...page);
    return names;
  };
  return (await unlessForbidden(all())) ?? [];
}

async function removeAll(
  writer: RemoteWriter,
  keys: Iterable<string>,
  signal: AbortSignal | undefined,
): Promise<void> {
  const left = keys[Symbol.iterator]();
  const lane = async (): Promise<void> => {
    for (let next = left.next(); next.done !== true; next = left.next()) {
      await writer.delete(next.value, { signal });
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, lane));
}

/** Removes what is beneath a URL: first what makes it a hierarchy. */
async function clear(
  writer: RemoteWriter,
  isListed: boolean,
  signal?: AbortSignal | undefined,
): Promise<void> {
  for (const key of ROOTS) await writer.delete(key, { signal });
  if (!isListed) return;
  for await (const keys of writer.list({ signal })) await removeAll(writer, keys, signal);
}

/**
 * Writes an object; over one that is there only after a look whether this is still wanted (`check`): what somebody wrote
 * who began anew meanwhile stays.
 */
async function putUnlessOvertaken(
  writer: RemoteWriter,
  key: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
  check: () => Promise<unknown>,
): Promise<void> {
  try {
    await writer.put(key, bytes, { signal, ifAbsent: true });
  } catch (error) {
    if (!isLazyImageError(error, "ERR_EXISTS")) throw error;
    await check();
    await writer.put(key, bytes, { signal });
  }
}

/**
 * A hierarchy in an object store. Chunks are written where they belong; until the root's metadata, which come last, there
 * is nothing that a reader would open. What is done is noted in an object beside the destination.
 *
 * Where objects may not be listed, chunks that hold only the fill value are written too: an older one could lie there,
 * and a missing one could not be told from a forbidden one. So it is where somebody else is overtaken, who may put a chunk
 * there before learning of it.
 *
 * @param fingerprint what is written and how: resuming with another one is refused
 * @throws LazyImageError `ERR_EXISTS`, `ERR_HTTP`, `ERR_INVALID_ARGUMENT`, `ERR_UNSUPPORTED`
 */
export async function beginObjects(
  destination: string,
  fingerprint: string,
  {
    force = false,
    resume = false,
    signal,
    ...request
  }: ObjectsOptions & { force?: boolean | undefined; resume?: boolean | undefined },
): Promise<OutputSink> {
  const { out, store, data, journals } = await placeOf(destination, request);
  const found = await unlessForbidden(headOf(journals, signal));
  const isResumed = resume && found?.fingerprint === fingerprint;
  if (resume && found !== undefined && !isResumed) {
    throw new LazyImageError(
      "ERR_INVALID_ARGUMENT",
      `${out} was begun from another source or with other options; use the same, or begin anew by force, without resume`,
    );
  }
  const taken = new LazyImageError(
    "ERR_EXISTS",
    `${out} is being written, or was left by a run that was interrupted (${journals.name} is there): go on with it by the option resume, or begin anew by force`,
  );
  if (found !== undefined && !isResumed && !force) throw taken;
  const used = await isUsed(data, signal);
  if (!force && !isResumed && (used ?? (await hasRoot(data, signal)))) {
    throw new LazyImageError("ERR_EXISTS", `${out} exists; remove it, or replace it with the option force`);
  }
  const isListed = used !== undefined;

  const names = found === undefined ? [] : await namesIn(journals, signal);
  const conversion = isResumed ? found.conversion : crypto.randomUUID();
  const parts = isResumed ? await partsIn(journals, conversion, names, signal) : [];
  const dense = !isListed || (found !== undefined && (!isResumed || found.dense));
  const head = { writer: crypto.randomUUID(), conversion, fingerprint, dense };
  const journal = new Journal(journals, head, { parts, signal });
  const ifAbsent = !force && !isResumed;
  try {
    await journal.write({ ifAbsent });
  } catch (error) {
    throw isLazyImageError(error, "ERR_EXISTS") ? taken : error;
  }
  if (!journal.has(CLEARED)) {
    await journal.check();
    // Only what force replaces is there, or what the same run with it had not removed yet.
    if (!ifAbsent) await clear(data, isListed, signal);
    await journal.write({ note: CLEARED });
  }

  /** To remove them again, where they cannot be listed. */
  const written = isListed ? undefined : new Set<string>();
  let isFailing = false;
  const keep = async (): Promise<void> => {
    await journal.write({ signal: AbortSignal.timeout(LAST_NOTE) }).catch(() => {});
    await store.close?.();
  };
  return {
    store,
    resumed: isResumed,
    dense,
    async set(key, bytes) {
      try {
        if (ROOTS.includes(key)) {
          await journal.check();
          await data.put(key, bytes, { signal, ifAbsent });
        } else {
          await putUnlessOvertaken(data, key, bytes, signal, () => journal.check());
        }
      } catch (error) {
        isFailing = true;
        throw error;
      }
      written?.add(key);
    },
    isDone: (part) => journal.has(part),
    done: (part) => journal.add(part),
    async finish() {
      try {
        await journal.remove(await namesIn(journals));
      } catch (error) {
        // All is written: nothing of it is to be removed again.
        isFailing = true;
        throw error;
      }
      await store.close?.();
    },
    keep,
    async drop() {
      // A store that takes nothing lets nothing be removed either: another run may go on.
      if (isFailing) return keep();
      journal.rest();
      try {
        await journal.check();
        if (written === undefined) await clear(data, isListed);
        else await removeAll(data, written, undefined);
        await journal.remove(await namesIn(journals));
      } catch {
        // Why it is dropped is the error to tell; a journal that is left tells the rest.
      }
      await store.close?.();
    },
  };
}

/**
 * The hierarchy in the making, for a process that writes along.
 *
 * @throws LazyImageError `ERR_NOT_FOUND` where nobody has begun with this fingerprint, or somebody has ended it
 */
export async function joinObjects(
  destination: string,
  fingerprint: string,
  { signal, ...request }: ObjectsOptions,
): Promise<JoinedSink> {
  const { out, store, data, journals } = await placeOf(destination, request);
  const begun = async (): Promise<Head> => {
    const head = await headThere(journals, signal);
    if (head?.fingerprint === fingerprint) return head;
    throw new LazyImageError(
      "ERR_NOT_FOUND",
      `Nobody is writing ${out}, or from another source or with other options: nothing is written to it`,
    );
  };
  const { conversion, dense: isDense } = await begun();
  let looked = performance.now();
  const check = async (): Promise<void> => {
    if ((await begun()).conversion !== conversion) {
      throw new LazyImageError("ERR_CHANGED", `${out} was begun anew by somebody else: join that`);
    }
    looked = performance.now();
  };
  const dense = isDense || (await isUsed(data, signal)) === undefined;
  const head = { writer: crypto.randomUUID(), conversion, fingerprint, dense };
  const journal = new Journal(journals, head, { joined: true, signal });
  return {
    store,
    dense,
    async set(key, bytes) {
      if (looked + LOOK <= performance.now()) await check();
      await putUnlessOvertaken(data, key, bytes, signal, check);
    },
    isDone: () => false,
    done: (part) => journal.add(part),
    async close() {
      journal.rest();
      const isWanted = begun().then((now) => now.conversion === conversion);
      // What is over needs no notes.
      if (await isWanted.catch(() => false)) {
        await journal.write({ signal: AbortSignal.timeout(LAST_NOTE) }).catch(() => {});
      }
      await store.close?.();
    },
  };
}
