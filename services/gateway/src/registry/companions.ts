/** How long whoever is here waits for those that are on their way, in milliseconds. */
const patienceMs = 5

/**
 * Lets those go on together that come shortly after each other: whoever is here waits for those that have been announced, but not long. (PostgreSQL does so at commits:
 * `commit_delay`, `commit_siblings`.) Nobody waits who is alone.
 */
export class Companions {
  #onTheWay = 0
  #waiting: { readonly released: Promise<void>; readonly release: () => void } | undefined

  /** Somebody is on the way, until this is disposed of. */
  announce(): Disposable {
    this.#onTheWay += 1
    let isHere = false
    return {
      [Symbol.dispose]: () => {
        if (isHere) return
        isHere = true
        this.#onTheWay -= 1
        if (this.#onTheWay === 0) this.#waiting?.release()
      },
    }
  }

  /** Returns when nobody is on the way any more, or after some milliseconds. */
  async gather(): Promise<void> {
    if (this.#onTheWay === 0) return
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
    const timer = setTimeout(release, patienceMs)
    return { released, release }
  }
}
