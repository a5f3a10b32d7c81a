import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import "@lazyimg/backend-nifti";
import { tensorBackend } from "@lazyimg/backend-tensor/backend";
import "@lazyimg/backend-zarr";
import { beginNiftiZarr, joinNiftiZarr, writeNiftiZarr } from "@lazyimg/backend-zarr/write";
import { type RemoteWriter, remoteWriter } from "@lazyimg/byte-source/remote";
import { bytesOf, type ImageDataBackend, Tensor } from "@lazyimg/core";
import { Image, openImage } from "@lazyimg/image";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { azureStore } from "./support/stores/azure.js";
import { gcsStore } from "./support/stores/gcs.js";
import type { Instead } from "./support/stores/proxy.js";
import { s3Store } from "./support/stores/s3.js";
import type { ObjectStore } from "./support/stores/store.js";

/** What all object stores have in common: reading and writing, on a real server or an emulator, behind a proxy. */

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const PHANTOM = `${ROOT}examples/phantom.nii.gz`;
const CONVERT = `${ROOT}tests/support/stores/convert.mjs`;
const COMMAND = `${ROOT}packages/lazyimg/bin/lazyimg.cjs`;
/** Characters that URLs, signatures and XML escape in ways of their own. */
const FOLDER = "a study/größe + 100%/(1)'!*<&>";
/** How often a writer is killed; more of them are for long runs. */
const KILLS = Number(process.env.LAZYIMG_STORE_KILLS ?? 1);
/** Chunks of what the killed writer writes, in pieces of four, and those that it is granted before the journal tells of any. */
const CHUNKS = 320;
const FREE = 24;
const isChunk = (line: string): boolean => /^(PUT|POST).*zarr(\/|%2F)0(\/|%2F)c/.test(line);

/** Noise, and nothing at all in the half of it with the higher I: there is a chunk that is only the fill value. */
function example(seed = 1): ImageDataBackend {
  const data = Int16Array.from({ length: 32 * 16 * 16 }, (_, n) =>
    n < 16 * 16 * 16 ? ((n + seed) * 7919) & 32767 : 0,
  );
  const strides = [1, 256, 16, 1] as const;
  return tensorBackend(new Tensor({ data, dtype: "int16", shape: [1, 32, 16, 16], strides }));
}

/** 63 MB, so that all stores need several parts; read channel by channel. */
function large(): ImageDataBackend {
  const data = new Int16Array(3 * 160 * 256 * 256);
  for (let n = 0, state = 1; n < data.length; n++) {
    state = (Math.imul(state, 1103515245) + 12345) | 0;
    data[n] = state >> 16;
  }
  return tensorBackend(new Tensor({ data, dtype: "int16", shape: [3, 256, 256, 160] }));
}

/** The same image, whose voxels end behind a plane. */
function broken(image: ImageDataBackend, reads: number): ImageDataBackend {
  let left = reads;
  return {
    ...image,
    async read(...given: Parameters<ImageDataBackend["read"]>) {
      if (left-- === 0) throw new Error("the source broke");
      return image.read(...given);
    },
  } as ImageDataBackend;
}

/** Something that happens once, and how it does. */
function event(): [happened: Promise<void>, happen: () => void] {
  let happen = (): void => {};
  const happened = new Promise<void>((resolve) => {
    happen = resolve;
  });
  return [happened, happen];
}

const OPTIONS = { chunk: 16, levels: 2 } as const;

/**
 * Lets every other request fail when it comes for the first time: made again it succeeds, however many are under way and
 * whichever comes first.
 */
function firstAttempts(fail: (response: ServerResponse) => true): { instead: Instead; failed(): number } {
  const seen = new Set<string>();
  let failed = 0;
  return {
    instead({ method, url }, response) {
      const before = seen.size;
      if (seen.add(`${method} ${url}`).size === before || before % 2 > 0) return false;
      failed++;
      return fail(response);
    },
    failed: () => failed,
  };
}

/** What is written into a Map: the same keys and bytes are to be in a store. */
async function objectsOf(
  image: ImageDataBackend,
  options: object = OPTIONS,
): Promise<Map<string, Uint8Array>> {
  const objects = new Map<string, Uint8Array>();
  await writeNiftiZarr(image, objects, options);
  return new Map([...objects].map(([key, bytes]) => [key.slice(1), bytes]));
}

async function keysIn(writer: RemoteWriter): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of writer.list()) keys.push(...page);
  return keys.sort();
}

const voxelsOf = async (image: ImageDataBackend | Image): Promise<Uint8Array> =>
  bytesOf((await image.read()).contiguous("F").data);

describe.each([s3Store, azureStore, gcsStore])("$name", (kind) => {
  let store: ObjectStore;
  /** Options of reading and writing there, without waiting long for what does not pass. */
  let there: { readonly readerOptions: Readonly<Record<string, unknown>> };
  let at: (name: string) => string;
  let beneath: (name: string) => Promise<RemoteWriter>;

  describe.skipIf(!kind.hasServer)("on a server", () => {
    beforeAll(async () => {
      store = await kind.start();
      there = { readerOptions: { ...store.readerOptions, retries: 2 } };
      at = (name) => `${store.root}/${FOLDER}/${name}`;
      beneath = async (name) => (await remoteWriter(at(name), there))!;
    });
    afterEach(() => {
      store.behave();
    });
    afterAll(() => store.close());

    /** What is in a store is what would be in a Map. */
    async function expectWritten(name: string, image: ImageDataBackend, options?: object): Promise<void> {
      const expected = await objectsOf(image, options);
      const writer = await beneath(name);
      expect(await keysIn(writer)).toEqual([...expected.keys()].sort());
      for (const [key, bytes] of expected) expect(await writer.get(key), key).toEqual(bytes);
      expect(await keysIn(await beneath(`${name}.lazyimg-journal`))).toEqual([]);
    }

    describe("reading", () => {
      test("a header by one range, and a plane of .nii.gz", async () => {
        await store.put(`${FOLDER}/scan.nii.gz`, await readFile(PHANTOM));
        const image = await openImage(at("scan.nii.gz"), there);
        expect(image.shape).toEqual([1, 128, 150, 64]);
        expect(store.log()).toHaveLength(1);
        const plane = [0, null, null, 32] as const;
        const phantom = await openImage(PHANTOM);
        expect((await image.read([...plane])).copy("C")).toEqual((await phantom.read([...plane])).copy("C"));
        await image.close();
        await phantom.close();
      });

      test("what is not there, and what may not be read", async () => {
        await expect(openImage(at("none.nii"), there)).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
        store.instead = (_, response) => kind.refuse(response, 403, kind.codes.forbidden);
        await expect(openImage(at("scan.nii.gz"), there)).rejects.toMatchObject({
          code: "ERR_HTTP",
          message: expect.stringContaining(`403 ${kind.codes.forbidden}`),
        });
      });

      test("a store that is asked too often is asked again later", async () => {
        let busy = 2;
        store.instead = (_, response) =>
          busy-- > 0 && kind.refuse(response, 503, kind.codes.busy, { "retry-after": "0" });
        const image = await openImage(at("scan.nii.gz"), there);
        expect(image.shape).toEqual([1, 128, 150, 64]);
        await image.close();
      });
    });

    describe("credentials that end", () => {
      /** The same credentials, by a function that is counted. */
      function renewing(): { options: typeof there; given: () => number } {
        let given = 0;
        const [[name, options]] = Object.entries(store.readerOptions) as [[string, { credentials: object }]];
        const credentials = () => {
          given++;
          return { ...options.credentials };
        };
        const readerOptions = { ...there.readerOptions, [name]: { ...options, credentials } };
        return { options: { readerOptions }, given: () => given };
      }

      test("are renewed in the middle of reading, and of writing", async () => {
        const { options, given } = renewing();
        const [status, code] = kind.codes.ended;
        const ending = () => firstAttempts((response) => kind.refuse(response, status, code));
        const [writing, reading] = [ending(), ending()];
        const out = at("renewed.nii.zarr");
        store.instead = writing.instead;
        await writeNiftiZarr(example(), out, { ...OPTIONS, ...options });
        expect(writing.failed()).toBeGreaterThan(2);
        const before = given();
        expect(before).toBeGreaterThan(1);
        store.instead = reading.instead;
        const image = await openImage(out, options);
        expect(await voxelsOf(image)).toEqual(await voxelsOf(example()));
        expect(reading.failed()).toBeGreaterThan(0);
        expect(given()).toBeGreaterThan(before);
        await image.close();
      });

      test("are told of where they cannot be renewed", async () => {
        const [status, code] = kind.codes.ended;
        store.instead = (_, response) => kind.refuse(response, status, code);
        const { options } = renewing();
        await expect(writeNiftiZarr(example(), at("ended.nii.zarr"), options)).rejects.toMatchObject({
          code: "ERR_HTTP",
          message: expect.stringMatching(new RegExp(`${status} ${code} .* ended`)),
        });
        expect(store.log()).toHaveLength(2);
      });
    });

    describe("Zarr", () => {
      test.each([
        ["v3", OPTIONS],
        ["v2", { ...OPTIONS, zarrFormat: 2 }],
        ["shards", { ...OPTIONS, shard: 32 }],
      ] as const)(
        "%s: the objects are those that a Map gets, the root's metadata last",
        async (name, options) => {
          const out = `${name}.nii.zarr`;
          await writeNiftiZarr(example(), at(`${out}/`), { ...options, ...there });
          const written = store
            .log()
            .filter((line) => /^(PUT|POST)/.test(line) && !line.includes("journal"))
            .map((line) => decodeURIComponent(line));
          expect(written.at(-1)).toMatch(name === "v2" ? /\.zgroup/ : /nii\.zarr\/zarr\.json/);
          await expectWritten(out, example(), options);
          const image = await openImage(at(out), there);
          expect(await voxelsOf(image)).toEqual(await voxelsOf(example()));
          await image.close();
        },
      );

      test("what exists is refused; force replaces it, root first, and leaves nothing of it", async () => {
        const out = "v3.nii.zarr";
        await expect(writeNiftiZarr(example(2), at(out), { ...OPTIONS, ...there })).rejects.toMatchObject({
          code: "ERR_EXISTS",
          message: expect.stringMatching(/v3\.nii\.zarr exists; .*force/),
        });
        await expectWritten(out, example(), OPTIONS);
        store.log();
        const options = { chunk: [32, 16, 8], levels: 1, zarrFormat: 2 } as const;
        await writeNiftiZarr(example(2), at(out), { ...options, ...there, force: true });
        const log = store.log().filter((line) => !line.includes("journal"));
        const firstDelete = log.find((line) => line.startsWith("DELETE"));
        expect(decodeURIComponent(firstDelete!)).toMatch(/nii\.zarr\/zarr\.json/);
        const firstWrite = log.findIndex((line) => /^(PUT|POST)/.test(line));
        expect(log.slice(firstWrite).filter((line) => line.startsWith("DELETE"))).toEqual([]);
        await expectWritten(out, example(2), options);
      });

      test("where nothing may be listed, every chunk is written, and no older one shines through", async () => {
        const out = "unlisted.nii.zarr";
        const full = tensorBackend(
          new Tensor({ data: new Int16Array(8192).fill(7), dtype: "int16", shape: [1, 32, 16, 16] }),
        );
        await writeNiftiZarr(full, at(out), { ...OPTIONS, ...there });
        store.instead = ({ url }, response) =>
          kind.isListing(url!) && kind.refuse(response, 403, kind.codes.forbidden);
        await expect(writeNiftiZarr(example(), at(out), { ...OPTIONS, ...there })).rejects.toMatchObject({
          code: "ERR_EXISTS",
        });
        await writeNiftiZarr(example(), at(out), { ...OPTIONS, ...there, force: true });
        const image = await openImage(at(out), there);
        expect(await voxelsOf(image)).toEqual(await voxelsOf(example()));
        await image.close();
        store.instead = () => false;
        const keys = await keysIn(await beneath(out));
        expect(keys.filter((key) => key.startsWith("0/c/"))).toHaveLength(2);
      });

      test("requests that fail in passing are made again", async () => {
        let isBusy = false;
        const { instead, failed } = firstAttempts((response) => {
          isBusy = !isBusy;
          if (isBusy) return kind.refuse(response, 503, kind.codes.busy, { "retry-after": "0" });
          response.destroy();
          return true;
        });
        store.instead = instead;
        await writeNiftiZarr(example(), at("shaken.nii.zarr"), { ...OPTIONS, ...there });
        expect(failed()).toBeGreaterThan(4);
        store.instead = () => false;
        await expectWritten("shaken.nii.zarr", example());
      });

      test("an answer that gets lost is not taken for somebody else's work", async () => {
        const lost = new Set<string>();
        store.loses = ({ method, url }) => {
          const isNew = method !== "GET" && method !== "HEAD" && !lost.has(url!);
          lost.add(url!);
          return isNew;
        };
        await writeNiftiZarr(example(), at("lost.nii.zarr"), { ...OPTIONS, ...there });
        expect(lost.size).toBeGreaterThan(5);
        store.loses = () => false;
        await expectWritten("lost.nii.zarr", example());
      });

      // As versitygw does, which removes an object before it puts another one in its place.
      test("a journal that is being replaced is not taken for one that is gone", async () => {
        const out = "replaced.nii.zarr";
        const options = { ...OPTIONS, chunk: 8 };
        const isJournal = ({ url }: IncomingMessage) => /journal(\/|%2F)begun/.test(url!);
        const isWritten = ({ method }: IncomingMessage) => method !== "GET" && method !== "HEAD";
        // Nothing but the root's metadata is written while the journal is.
        let left = (await objectsOf(example(), options)).size - 1;
        const [noted, note] = event();
        const [rest, isRest] = event();
        let writes = 0;
        let isReplaced = false;
        store.instead = (request, response) =>
          request.method === "GET" &&
          isReplaced &&
          isJournal(request) &&
          kind.refuse(response, 404, kind.codes.missing);
        store.holds = async (request) => {
          if (!isWritten(request)) return;
          if (!isJournal(request)) {
            if (--left === 0) isRest();
            // All but the first wait until that one is noted.
            if (writes++ > 0) await noted;
          } else if (writes > 0 && !isReplaced) {
            isReplaced = true;
            note();
            await rest;
            await pause(200);
            isReplaced = false;
          }
        };
        await writeNiftiZarr(example(), at(out), { ...options, ...there });
        expect(left).toBeLessThan(0);
        store.behave();
        await expectWritten(out, example(), options);
      });

      test("a source that breaks leaves nothing", async () => {
        const out = "broken.nii.zarr";
        const source = broken(example(), 1);
        await expect(writeNiftiZarr(source, at(out), { ...OPTIONS, chunk: 8, ...there })).rejects.toThrow(
          "the source broke",
        );
        expect(await keysIn(await beneath(out))).toEqual([]);
        expect(await keysIn(await beneath(`${out}.lazyimg-journal`))).toEqual([]);
      });

      test("a store that fails for good is told of, and resume goes on", async () => {
        const out = "failing.nii.zarr";
        const options = { ...OPTIONS, chunk: 8, readerOptions: { ...store.readerOptions, retries: 0 } };
        let writes = 0;
        store.instead = ({ method }, response) =>
          method !== "GET" && ++writes > 9 && kind.refuse(response, 503, kind.codes.busy);
        await expect(writeNiftiZarr(example(), at(out), options)).rejects.toMatchObject({ code: "ERR_HTTP" });
        store.instead = () => false;
        await expect(openImage(at(out), there)).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
        await writeNiftiZarr(example(), at(out), { ...options, resume: true });
        await expectWritten(out, example(), { ...OPTIONS, chunk: 8 });
      });

      test("an abort is the caller's reason; what is done stays for resume, and for nobody else", async () => {
        const out = "aborted.nii.zarr";
        const options = { ...OPTIONS, chunk: 8 };
        const reason = new Error("enough");
        const controller = new AbortController();
        let begun = 0;
        store.instead = ({ url }) => {
          if (/\/c\//.test(decodeURIComponent(url!)) && ++begun === 12) controller.abort(reason);
          return false;
        };
        const { signal } = controller;
        await expect(writeNiftiZarr(example(), at(out), { ...options, ...there, signal })).rejects.toBe(
          reason,
        );
        store.instead = () => false;
        await expect(writeNiftiZarr(example(), at(out), { ...options, ...there })).rejects.toMatchObject({
          code: "ERR_EXISTS",
          message: expect.stringContaining("resume"),
        });
        await expect(
          writeNiftiZarr(example(2), at(out), { ...options, ...there, resume: true, sourceId: "other" }),
        ).rejects.toMatchObject({ code: "ERR_INVALID_ARGUMENT" });
        store.log();
        await writeNiftiZarr(example(), at(out), { ...options, ...there, resume: true });
        const chunks = store.log().filter((line) => /^(PUT|POST).*0(\/|%2F)c/.test(line)).length;
        const all = [...(await objectsOf(example(), options)).keys()].filter((key) => key.startsWith("0/c"));
        expect(chunks).toBeLessThan(all.length);
        await expectWritten(out, example(), options);
      });

      test("others write along with who began, and what they did is known to who goes on", async () => {
        const out = at("joined.nii.zarr");
        const options = { ...OPTIONS, chunk: 8, ...there };
        await expect(joinNiftiZarr(example(), out, options)).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
        const first = await beginNiftiZarr(example(), out, options);
        const worker = await joinNiftiZarr(example(), out, options);
        const ofLevel = (level: number) => worker.pieces.filter((piece) => piece.level === level);
        for (const piece of ofLevel(0)) await worker.write(piece);
        await worker.close();
        await first.keep();
        const next = await beginNiftiZarr(example(), out, { ...options, resume: true });
        expect(next.resumed).toBe(true);
        for (const piece of ofLevel(0)) expect(next.isDone(piece), piece.name).toBe(true);
        for (const piece of ofLevel(1)) await next.write(piece);
        await next.publish();
        await expectWritten("joined.nii.zarr", example(), { ...OPTIONS, chunk: 8 });
      });

      test("who is overtaken publishes nothing", async () => {
        const out = "overtaken.nii.zarr";
        let meanwhile: Promise<void> | undefined;
        const first = example();
        const slow: ImageDataBackend = {
          ...first,
          async read(...given: Parameters<ImageDataBackend["read"]>) {
            meanwhile ??= writeNiftiZarr(example(2), at(out), { ...OPTIONS, ...there, force: true });
            await meanwhile;
            return first.read(...given);
          },
        } as ImageDataBackend;
        await expect(writeNiftiZarr(slow, at(out), { ...OPTIONS, ...there })).rejects.toMatchObject({
          code: "ERR_CHANGED",
        });
      });

      test.skipIf(!kind.heedsConditions)("who is overtaken leaves no chunk in what replaces it", async () => {
        const out = "mixed.nii.zarr";
        const sevens = tensorBackend(
          new Tensor({ data: new Int16Array(8192).fill(7), dtype: "int16", shape: [1, 32, 16, 16] }),
        );
        const [cleared, clear] = event();
        const [mixed, mix] = event();
        let second: Promise<void> | undefined;
        /** Calls `before` before a chunk is written, and `after` when it has been. */
        const atChunks =
          (before: (url: string) => Promise<void>, after = (_: string): void => {}): typeof fetch =>
          async (input, init) => {
            const url = decodeURIComponent(String(input));
            const isWritten = /^(PUT|POST)$/.test(init?.method ?? "") && /\/\d\/c\//.test(url);
            if (isWritten) await before(url);
            const answer = await fetch(input, init);
            if (isWritten) after(url);
            return answer;
          };
        // One of its chunks comes when everything of before is cleared away, where the other image has nothing; the rest
        // comes when the other image is complete.
        const isFirst = (url: string): boolean => /\/0\/c\/[\d/]*\/1(?!\d)/.test(url);
        const byFirst = atChunks(
          async (url) => {
            second ??= writeNiftiZarr(example(2), at(out), { ...given, force: true, fetch: bySecond });
            await (isFirst(url) ? cleared : second);
          },
          (url) => isFirst(url) && mix(),
        );
        const bySecond = atChunks(async () => {
          clear();
          await mixed;
        });
        const given = { ...OPTIONS, readerOptions: { ...there.readerOptions, timeout: 600_000 } };
        await expect(writeNiftiZarr(sevens, at(out), { ...given, fetch: byFirst })).rejects.toMatchObject({
          code: "ERR_CHANGED",
        });
        await second;
        const image = await openImage(at(out), there);
        expect(Buffer.compare(await voxelsOf(image), await voxelsOf(example(2)))).toBe(0);
        await image.close();
      });

      test.each(Array.from({ length: KILLS }, (_, n) => n))(
        "a writer that is killed leaves nothing to be seen, and resume finishes (%i)",
        async (n) => {
          const out = `killed-${n}.nii.zarr`;
          const run = (options: object) =>
            spawn(
              process.execPath,
              [
                CONVERT,
                kind.transport,
                at(out),
                JSON.stringify(there.readerOptions),
                JSON.stringify(options),
              ],
              { stdio: ["ignore", "ignore", "inherit"] },
            );
          const victim = run({});
          const journals = await beneath(`${out}.lazyimg-journal`);
          /** Chunks that the journal tells of: one by one, and pieces of four. */
          const noted = async (): Promise<number> => {
            const text = new TextDecoder().decode(await journals.get("begun"));
            return [...text.matchAll(/^(piece )?0\/.*\n/gm)].reduce((n, [, piece]) => n + (piece ? 4 : 1), 0);
          };
          // After some chunks it has to wait until the journal tells of them; then it is killed at any of the others.
          let chunks = 0;
          const last = FREE + 1 + Math.floor(Math.random() * (CHUNKS - FREE - 1));
          let telling: Promise<void> | undefined;
          const told = async (): Promise<void> => {
            while (victim.exitCode === null && (await noted()) < FREE) await pause(20);
          };
          store.holds = async ({ method, url }) => {
            if (!isChunk(`${method} ${url}`)) return;
            if (++chunks === FREE + 1) telling = told();
            await telling;
            if (chunks < last) return;
            victim.kill("SIGKILL");
            await new Promise(() => {});
          };
          await once(victim, "exit");
          expect(victim.signalCode).toBe("SIGKILL");
          store.behave();
          const keys = await keysIn(await beneath(out));
          expect(keys.length).toBeGreaterThanOrEqual(FREE);
          expect(keys.filter((key) => !/^0\/c\//.test(key))).toEqual([]);
          await expect(openImage(at(out), there)).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
          const done = await noted();
          expect(done).toBeGreaterThanOrEqual(FREE);
          store.log();
          const [code] = await once(run({ resume: true }), "close");
          expect(code).toBe(0);
          // A chunk that is there, but not in the journal, is asked for twice: if there is none, and then anyhow.
          const written = new Set(
            store.log().flatMap((line) => (isChunk(line) ? line.replace("&ifGenerationMatch=0", "") : [])),
          );
          expect(written.size).toBeGreaterThan(0);
          expect(written.size).toBeLessThanOrEqual(CHUNKS - done);
          const image = await openImage(at(out), there);
          const expected = Int16Array.from({ length: 16 * 16 * 640 }, (_, at) => (at * 7919) & 32767);
          expect((await image.read()).contiguous("C").data).toEqual(expected);
          expect(await keysIn(await beneath(`${out}.lazyimg-journal`))).toEqual([]);
          await image.close();
        },
        300_000,
      );
    });

    describe("NIfTI", () => {
      test.each(["scan.nii", "scan.nii.gz"])("%s, saved and read again", async (name) => {
        const image = new Image(example());
        await image.save(at(name), there);
        const again = await openImage(at(name), there);
        expect(await voxelsOf(again)).toEqual(await voxelsOf(image));
        await again.close();
      });

      test("in parts, of which some have to be sent again", async () => {
        let parts = 0;
        store.instead = ({ method }, response) => {
          if (method === "PUT" && ++parts === 2) return kind.refuse(response, 503, kind.codes.busy);
          if (method !== "PUT" || parts !== 4) return false;
          response.destroy();
          return true;
        };
        const image = new Image(large());
        await image.save(at("large.nii"), there);
        const log = store.log().filter((line) => line.startsWith("PUT"));
        expect(log.length).toBeGreaterThan(3);
        const again = await openImage(at("large.nii"), there);
        expect(Buffer.compare(await voxelsOf(again), await voxelsOf(image))).toBe(0);
        await again.close();
      });

      test("in parts, of which the last one's answer gets lost", async () => {
        let complete = 0;
        store.loses = ({ method, url, headers }) => {
          const isLast =
            (method === "POST" && /\?uploadId/.test(url!)) ||
            /comp=blocklist/.test(url!) ||
            /\/\d+$/.test(headers["content-range"] ?? "");
          return isLast && ++complete === 1;
        };
        const image = new Image(large());
        await image.save(at("lost.nii"), { ...there, ifAbsent: true });
        expect(complete).toBe(2);
        const again = await openImage(at("lost.nii"), there);
        expect(Buffer.compare(await voxelsOf(again), await voxelsOf(image))).toBe(0);
        await again.close();
      });

      test("what breaks or is aborted leaves what was there", async () => {
        const image = new Image(broken(large(), 2));
        await expect(image.save(at("cut.nii"), there)).rejects.toThrow("the source broke");
        // Azure forgets blocks that are not committed by itself.
        const cleared = store.log().filter((line) => /^DELETE .*upload/i.test(line));
        expect(cleared).toHaveLength(kind === azureStore ? 0 : 1);
        await expect(openImage(at("cut.nii"), there)).rejects.toMatchObject({ code: "ERR_NOT_FOUND" });
        const reason = new Error("enough");
        const controller = new AbortController();
        let parts = 0;
        store.instead = ({ method }) => {
          if (method === "PUT" && ++parts === 2) controller.abort(reason);
          return false;
        };
        const { signal } = controller;
        await expect(new Image(large()).save(at("scan.nii"), { ...there, signal })).rejects.toBe(reason);
        store.instead = () => false;
        const before = await openImage(at("scan.nii"), there);
        expect(await voxelsOf(before)).toEqual(await voxelsOf(example()));
        await before.close();
        const refused = new Image(large()).save(at("scan.nii"), { ...there, ifAbsent: true });
        await expect(refused).rejects.toMatchObject({ code: "ERR_EXISTS" });
      });
    });

    test("a bucket that is not there", async () => {
      const nowhere = `${store.root}-nowhere/out.nii`;
      const missing = { code: "ERR_HTTP", message: expect.stringContaining("404") };
      await expect(new Image(example()).save(nowhere, there)).rejects.toMatchObject(missing);
      await expect(writeNiftiZarr(example(), `${nowhere}.zarr`, there)).rejects.toMatchObject(missing);
    });

    test("the command", async () => {
      const run = async (...args: string[]) => {
        const child = spawn(process.execPath, [COMMAND, ...args, "--plugin", kind.transport], {
          cwd: ROOT,
          env: { ...process.env, ...store.env },
        });
        let stderr = "";
        child.stderr.on("data", (text) => {
          stderr += text;
        });
        const [code] = await once(child, "close");
        return { code, stderr };
      };
      const out = at("command.nii.zarr");
      expect(await run("convert", PHANTOM, out)).toMatchObject({ code: 0 });
      const image = await openImage(out, there);
      const phantom = await openImage(PHANTOM);
      expect(Buffer.compare(await voxelsOf(image), await voxelsOf(phantom))).toBe(0);
      const nifti = at("command.nii.gz");
      expect(await run("convert", out, nifti)).toMatchObject({ code: 0 });
      const refused = await run("convert", out, nifti);
      expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining("exists") });
      const again = await openImage(nifti, there);
      expect(Buffer.compare(await voxelsOf(again), await voxelsOf(phantom))).toBe(0);
      await Promise.all([image, phantom, again].map((each) => each.close()));
    });
  });
});
