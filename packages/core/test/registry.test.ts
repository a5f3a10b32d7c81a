import {
  type BackendDescriptor,
  type BackendRequest,
  createRequest,
  defineBackend,
  IDENTITY,
  type ImageDataBackend,
  listBackends,
  registerBackend,
  registerWriter,
  resolveBackend,
  resolveWriter,
  slice,
  Tensor,
  unregisterBackend,
} from "@lazyimg/core";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

const request = createRequest("scan.abc");
const yes = () => true;

function backend(description = ""): ImageDataBackend {
  const tensor = new Tensor({ data: new Uint8Array([1, 2]), dtype: "uint8", shape: [1, 1, 1, 2] });
  return defineBackend({
    shape: tensor.shape,
    affine: IDENTITY,
    dtype: "uint8",
    affineSource: "sform",
    header: { description },
    readRegion: async ([, , , k]) => tensor.slice(["...", slice(k.start, k.start + k.size)]).copy(),
    plan: () => ({ requests: 1, bytes: 2, outputBytes: 2, peakBytes: 2 }),
  });
}
const opens = (name: string) => async () => backend(name);
const nameOf = async (given: BackendRequest = request) =>
  ((await resolveBackend(given))?.header as { description: string } | undefined)?.description ?? null;

beforeEach(() => {
  expect(listBackends()).toEqual([]);
});
afterEach(() => {
  for (const name of listBackends()) unregisterBackend(name);
});

describe("registering", () => {
  test("comes before what is there, unless told otherwise", () => {
    registerBackend("a", yes, opens("a"), { prepend: false });
    registerBackend("b", yes, opens("b"), { prepend: false });
    registerBackend("c", yes, opens("c"));
    registerBackend("d", yes, opens("d"), { prepend: true });
    expect(listBackends()).toEqual(["d", "c", "a", "b"]);
  });

  test("the same name replaces, in the place that the new one asks for", async () => {
    registerBackend("a", yes, opens("first"), { prepend: false });
    registerBackend("b", () => false, opens("b"), { prepend: false });
    registerBackend("a", yes, opens("second"), { prepend: false });
    expect(listBackends()).toEqual(["b", "a"]);
    expect(await nameOf()).toBe("second");
    registerBackend("b", yes, opens("b, again"));
    expect(listBackends()).toEqual(["b", "a"]);
    expect(await nameOf()).toBe("b, again");
  });

  test("the very same thing twice is no event", () => {
    const open = opens("a");
    registerBackend("a", yes, open, { prepend: false });
    registerBackend("b", yes, opens("b"), { prepend: false });
    registerBackend("a", yes, open, { prepend: false });
    registerBackend("b", yes, opens("b"), { prepend: false });
    expect(listBackends()).toEqual(["a", "b"]);
  });

  test("unregistering takes one away, or nothing", () => {
    registerBackend("a", yes, opens("a"));
    unregisterBackend("b");
    expect(listBackends()).toEqual(["a"]);
    unregisterBackend("a");
    unregisterBackend("a");
    expect(listBackends()).toEqual([]);
  });

  test("the list is a copy", () => {
    registerBackend("a", yes, opens("a"));
    (listBackends() as string[]).pop();
    expect(listBackends()).toEqual(["a"]);
  });
});

describe("resolving", () => {
  test("null where nothing is registered, or nothing matches", async () => {
    expect(await resolveBackend(request)).toBeNull();
    registerBackend("a", () => false, opens("a"));
    expect(await resolveBackend(createRequest("image.png"))).toBeNull();
  });

  test("the first match, in order; the others are not asked", async () => {
    const later = vi.fn(yes);
    const never = vi.fn(opens("never"));
    registerBackend("no", () => false, never, { prepend: false });
    registerBackend("first", async () => true, opens("first"), { prepend: false });
    registerBackend("later", later, never, { prepend: false });
    expect(await nameOf()).toBe("first");
    expect(later).not.toHaveBeenCalled();
    expect(never).not.toHaveBeenCalled();
  });

  test("a custom backend beats a built-in", async () => {
    registerBackend("built-in", yes, opens("built-in"), { prepend: false });
    registerBackend("custom", yes, opens("custom"));
    expect(await nameOf()).toBe("custom");
    unregisterBackend("custom");
    expect(await nameOf()).toBe("built-in");
  });

  test("a factory that returns null declines, and the next is asked", async () => {
    registerBackend("a", yes, () => null, { prepend: false });
    registerBackend("b", yes, async () => null, { prepend: false });
    expect(await resolveBackend(request)).toBeNull();
    registerBackend("c", yes, opens("c"), { prepend: false });
    expect(await nameOf()).toBe("c");
  });

  test("matcher and factory get the request, and the factory the signal", async () => {
    const matches = vi.fn(yes);
    const open = vi.fn(opens("a"));
    registerBackend("a", matches, open);
    const { signal } = new AbortController();
    await resolveBackend(request, { signal });
    expect(matches).toHaveBeenCalledExactlyOnceWith(request);
    expect(open).toHaveBeenCalledExactlyOnceWith(request, { signal });
  });

  test("an aborted signal rejects with its reason, and nothing is opened", async () => {
    const open = vi.fn(opens("a"));
    const controller = new AbortController();
    const reason = { why: "enough" };
    registerBackend(
      "slow",
      async () => {
        controller.abort(reason);
        return false;
      },
      open,
      { prepend: false },
    );
    registerBackend("a", yes, open, { prepend: false });
    await expect(resolveBackend(request, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    await expect(resolveBackend(request, { signal: controller.signal })).rejects.toBe(reason);
    expect(open).not.toHaveBeenCalled();
  });

  test("errors of a matcher or a factory are passed on as they are", async () => {
    const error = new Error("broken");
    registerBackend("a", yes, () => Promise.reject(error));
    await expect(resolveBackend(request)).rejects.toBe(error);
    registerBackend("a", () => Promise.reject(error), opens("a"));
    await expect(resolveBackend(request)).rejects.toBe(error);
  });

  test.each([undefined, {}, 7, { ...backend(), shape: [1, 2, 3] }, { ...backend(), affine: [1] }])(
    "a factory that returns %s is told so",
    async (wrong) => {
      registerBackend("odd", yes, () => wrong as never);
      await expect(resolveBackend(request)).rejects.toMatchObject({
        code: "ERR_INVALID_ARGUMENT",
        message: expect.stringContaining('"odd" opened scan.abc'),
      });
    },
  );

  test("backends that register during a resolution do not disturb it", async () => {
    registerBackend(
      "a",
      () => {
        registerBackend("b", yes, opens("b"));
        return true;
      },
      opens("a"),
    );
    expect(await nameOf()).toBe("a");
    expect(await nameOf()).toBe("b");
  });

  test("descriptors that are given are consulted instead of the registered ones", async () => {
    registerBackend("registered", yes, opens("registered"));
    const given = (name: string, matches: () => boolean): BackendDescriptor => ({
      name,
      matches,
      open: opens(name),
    });
    const resolved = await resolveBackend(request, { backends: [given("a", () => false), given("b", yes)] });
    expect(resolved?.header).toEqual({ description: "b" });
    expect(await resolveBackend(request, { backends: [] })).toBeNull();
    expect(listBackends()).toEqual(["registered"]);
  });
});

describe("an affine in the request", () => {
  const affine = [2, 0, 0, 5, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1];

  test("replaces the file's, and nothing else", async () => {
    const closed = vi.fn(async () => {});
    const inner: ImageDataBackend = { ...backend("a"), close: closed };
    registerBackend("a", yes, () => inner);
    const resolved = (await resolveBackend(createRequest("scan.abc", { affine })))!;
    expect(resolved).toMatchObject({
      affine,
      affineSource: "override",
      shape: inner.shape,
      dtype: inner.dtype,
    });
    expect(resolved.header).toBe(inner.header);
    expect([...(await resolved.read([0, 0, 0, 1])).data]).toEqual([2]);
    expect([...(await resolved.toTensor({ dtype: "float32" })).data]).toEqual([1, 2]);
    expect(resolved.explain!(0).bytes).toBe(2);
    await resolved.close!();
    expect(closed).toHaveBeenCalledOnce();
    expect(inner.affine).toEqual(IDENTITY);
  });

  test("is told as an override, also where it equals the file's", async () => {
    const inner = backend("a");
    registerBackend("a", yes, () => inner);
    const resolved = await resolveBackend(createRequest("scan.abc", { affine: IDENTITY }));
    expect(resolved).toMatchObject({ affine: IDENTITY, affineSource: "override" });
    expect(await resolveBackend(request)).toBe(inner);
  });

  test("optional members stay missing", async () => {
    const { close: _, explain: __, ...bare } = backend("a");
    registerBackend("a", yes, () => bare);
    const resolved = (await resolveBackend(createRequest("scan.abc", { affine })))!;
    expect("close" in resolved || "explain" in resolved).toBe(false);
  });
});

describe("writers", () => {
  const write = (name: string) => Object.assign(async () => {}, { writer: name });

  test("the first match, by the same rules", () => {
    const [a, b, c] = [write("a"), write("b"), write("c")];
    const abc = (destination: string) => destination.endsWith(".abc");
    expect(resolveWriter("x.abc")).toBeNull();
    registerWriter("a", abc, a, { prepend: false });
    registerWriter("b", abc, b, { prepend: false });
    expect(resolveWriter("x.abc")).toBe(a);
    expect(resolveWriter("x.xyz")).toBeNull();
    registerWriter("c", abc, c);
    expect(resolveWriter("x.abc")).toBe(c);
    registerWriter("c", () => false, c);
    expect(resolveWriter("x.abc")).toBe(a);
  });
});
