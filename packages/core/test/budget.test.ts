import { Budget } from "@lazyimg/core/budget";
import { expect, test } from "vitest";

/** Who has been let in, in order. */
function queueOf(budget: Budget) {
  const entered: string[] = [];
  const enter = async (name: string, amount: number, signal?: AbortSignal): Promise<() => void> => {
    const leave = await budget.acquire(amount, signal);
    entered.push(name);
    return leave;
  };
  return { entered, enter };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test("what fits is let in, the rest in the order in which it came", async () => {
  const { entered, enter } = queueOf(new Budget(10));
  const first = await enter("first", 6);
  const large = enter("large", 8);
  const small = enter("small", 1); // would fit, but does not overtake
  await turn();
  expect(entered).toEqual(["first"]);
  first();
  (await large)();
  (await small)();
  expect(entered).toEqual(["first", "large", "small"]);
});

test("an amount above the bound waits until nothing else runs, and then has all of it", async () => {
  const { entered, enter } = queueOf(new Budget(10));
  const first = await enter("first", 1);
  const huge = enter("huge", 1000);
  const next = enter("next", 1);
  await turn();
  expect(entered).toEqual(["first"]);
  first();
  const leave = await huge;
  await turn();
  expect(entered).toEqual(["first", "huge"]);
  leave();
  await next;
});

test("what is given back twice counts once", async () => {
  const { entered, enter } = queueOf(new Budget(2));
  const first = await enter("first", 1);
  await enter("second", 1);
  first();
  first();
  await enter("third", 1);
  void enter("fourth", 1);
  await turn();
  expect(entered).toEqual(["first", "second", "third"]);
});

test("an abort takes one that waits out of the line, and lets in whom it held up", async () => {
  const { entered, enter } = queueOf(new Budget(10));
  await enter("first", 6);
  const controller = new AbortController();
  const large = enter("large", 8, controller.signal);
  const small = enter("small", 4);
  controller.abort(new Error("no longer wanted"));
  await expect(large).rejects.toThrow("no longer wanted");
  await small;
  expect(entered).toEqual(["first", "small"]);
  await expect(enter("late", 1, controller.signal)).rejects.toThrow("no longer wanted");
});
