/** Words of a chaining value. */
export const wordsPerValue = 8

/** Chaining values one behind the other, in memory that doubles: an array for each, a thousand a GiB, takes several times what is in it. */
export class ValueList {
  #words = new Uint32Array(wordsPerValue)
  #length = 0

  /** How many there are. */
  get length(): number {
    return this.#length
  }

  push(value: Uint32Array): void {
    const end = this.#length * wordsPerValue
    if (end === this.#words.length) {
      const larger = new Uint32Array(end * 2)
      larger.set(this.#words)
      this.#words = larger
    }
    this.#words.set(value, end)
    this.#length += 1
  }

  /** A copy of all of them. */
  words(): Uint32Array {
    return this.#words.slice(0, this.#length * wordsPerValue)
  }
}
