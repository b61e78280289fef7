/**
 * Lets at most so many do something at once; whoever comes then waits, in the order of coming. A turn that takes too long counts no more: whoever
 * has it goes on, and keeps nobody waiting.
 */
export class Turns {
  readonly #patienceMs: number
  readonly #waiting: (() => void)[] = []
  #free: number

  /** @param patienceMs how long a turn may take, in milliseconds. */
  constructor(atOnce: number, patienceMs: number) {
    this.#free = atOnce
    this.#patienceMs = patienceMs
  }

  /** Resolves when it is the caller's turn, which ends when what it resolves to is disposed of. */
  async take(): Promise<Disposable> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    let isOver = false
    const end = () => {
      clearTimeout(timer)
      if (isOver) return
      isOver = true
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free += 1
    }
    const timer = setTimeout(end, this.#patienceMs)
    return { [Symbol.dispose]: end }
  }
}
