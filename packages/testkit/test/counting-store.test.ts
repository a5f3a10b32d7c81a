import { countingStore } from "@lazyimg/testkit";
import { expect, test } from "vitest";

const object = Uint8Array.from({ length: 10 }, (_, n) => n);
const files = new Map([
  ["/a", object],
  ["/b/c", new Uint8Array(5)],
]);

test("objects and parts of them are counted", async () => {
  const store = countingStore(files);
  expect(await store.get("/a")).toEqual(object);
  expect(await store.getRange("/a", { offset: 2, length: 3 })).toEqual(object.subarray(2, 5));
  expect(await store.getRange("/a", { offset: 8, length: 30 })).toEqual(object.subarray(8));
  expect(await store.getRange("/a", { suffixLength: 4 })).toEqual(object.subarray(6));
  expect(await store.getRange("/a", { suffixLength: 40 })).toEqual(object);
  expect(await store.get("/nothing")).toBeUndefined();
  expect(await store.getRange("/nothing", { suffixLength: 4 })).toBeUndefined();
  expect(store).toMatchObject({ requests: 7, bytes: 10 + 3 + 2 + 4 + 10 });
  expect(store.keys).toEqual(["/a", "/a", "/a", "/a", "/a", "/nothing", "/nothing"]);
  expect(await store.size()).toBe(15);
  store.reset();
  expect(store).toMatchObject({ requests: 0, bytes: 0, keys: [] });
});

test("a store's own ranges are used; how much it holds is unknown", async () => {
  const asked: unknown[] = [];
  const store = countingStore({
    get: () => undefined,
    getRange: async (...args: unknown[]) => {
      asked.push(args);
      return object.subarray(0, 2);
    },
  });
  expect(await store.getRange("/a", { offset: 0, length: 2 }, {})).toHaveLength(2);
  expect(asked).toEqual([["/a", { offset: 0, length: 2 }, {}]]);
  expect(store).toMatchObject({ requests: 1, bytes: 2 });
  expect(await store.size()).toBeNull();
});

test("reads are held up; one that is aborted rejects with its reason", async () => {
  const store = countingStore(files);
  const hold = store.hold();
  const controller = new AbortController();
  const aborted = store.get("/a", { signal: controller.signal });
  const other = store.getRange("/a", { offset: 0, length: 1 });
  await hold.reached;
  expect(store).toMatchObject({ requests: 2, bytes: 0 });
  controller.abort("enough");
  await expect(aborted).rejects.toBe("enough");
  hold.release();
  expect(await other).toEqual(object.subarray(0, 1));
  await expect(store.get("/a", { signal: controller.signal })).rejects.toBe("enough");
});
