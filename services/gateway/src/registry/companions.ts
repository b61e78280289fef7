/** How long whoever is here waits for those that are on their way, in milliseconds. */
const patienceMs = 5

/**
 * Lets those go on together that come shortly after each other: whoever is here waits for those that have been announced, but not long. (PostgreSQL does so at commits:
 * `commit_delay`, `commit_siblings`.) Nobody waits who is alone.
 */
export class Companions {
  readonly #onTheWay = new Set<object>()
  #waiting: { readonly released: Promise<void>; readonly release: () => void } | undefined

  /** Somebody is on the way, until this is disposed of. Whoever has been waited for in vain is not waited for again. */
  announce(): Disposable {
    const arrival: Disposable = {
      [Symbol.dispose]: () => {
        if (this.#onTheWay.delete(arrival) && this.#onTheWay.size === 0) this.#waiting?.release()
      },
    }
    this.#onTheWay.add(arrival)
    return arrival
  }

  /** Returns when nobody is on the way any more, or after some milliseconds. */
  async gather(): Promise<void> {
    if (this.#onTheWay.size === 0) return
    this.#waiting ??= this.#begin()
    await this.#waiting.released
  }

  #begin() {
    const { promise: released, resolve } = Promise.withResolvers<void>()
    const release = () => {
      clearTimeout(timer)
      this.#waiting = undefined
      resolve()
    }
    const timer = setTimeout(() => {
      this.#onTheWay.clear()
      release()
    }, patienceMs)
    return { released, release }
  }
}
