/** Takes items from one iterator in several loops at once; the first failure stops them all. */
export async function inParallel<T>(
  items: Iterable<T>,
  lanes: number,
  work: (item: T, lane: number) => Promise<void>,
): Promise<void> {
  const iterator = items[Symbol.iterator]();
  let failed = false;
  const loop = async (lane: number): Promise<void> => {
    while (!failed) {
      const { value, done } = iterator.next();
      if (done) return;
      try {
        await work(value, lane);
      } catch (error) {
        failed = true;
        throw error;
      }
    }
  };
  const results = await Promise.allSettled(Array.from({ length: lanes }, (_, lane) => loop(lane)));
  const failure = results.find((result) => result.status === "rejected");
  if (failure) throw failure.reason;
}
