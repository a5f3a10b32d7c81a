import { sameTensor, show } from "../check.js";
import { indexCases } from "../index-cases.js";
import type { Rule } from "../subject.js";

/** Reads overlap freely. */
export const concurrency: readonly Rule[] = [
  {
    name: "many overlapping reads at once give what each gives alone",
    async run({ backend, expected }) {
      const indices = indexCases(backend.shape);
      const results = await Promise.all(indices.map((index) => backend.read(index)));
      results.forEach((result, n) => {
        const index = indices[n];
        sameTensor(result, expected.slice(index ?? "..."), `read(${show(index)}), among others,`);
      });
    },
  },
  {
    name: "the same read many times at once gives the same each time",
    async run({ backend, expected, stored = expected }) {
      const results = await Promise.all(
        Array.from({ length: 16 }, (_, n) =>
          n % 2 ? backend.toTensor() : backend.read("...", { scaled: false }),
        ),
      );
      results.forEach((result, n) => {
        sameTensor(
          result,
          n % 2 ? expected : stored,
          n % 2 ? "toTensor(), among others," : "read, among others,",
        );
      });
    },
  },
];
