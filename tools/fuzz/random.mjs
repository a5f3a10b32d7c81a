/** Random numbers that depend on nothing but `seed` and `index`, so that every input can be made again by itself. */
export class Random {
  #state;

  /** @param {number} seed @param {number} index */
  constructor(seed, index) {
    this.#state = (Math.imul(seed ^ 0x9e3779b9, 0x85ebca6b) ^ Math.imul(index + 1, 0xc2b2ae35)) >>> 0;
    for (let n = 0; n < 3; n++) this.#next();
  }

  /** mulberry32 */
  #next() {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return (t ^ (t >>> 14)) >>> 0;
  }

  /** A whole number from 0 to `most - 1`; 0 where `most` is 0. */
  below(most) {
    return most < 1 ? 0 : Math.floor((this.#next() / 2 ** 32) * most);
  }

  /** Whether something of this probability happens. */
  chance(probability) {
    return this.#next() / 2 ** 32 < probability;
  }

  /** One of `items`. */
  pick(items) {
    return items[this.below(items.length)];
  }
}
