/** Lasts until it is disposed of. */
export interface Turn extends Disposable {
  /** Ends it then, if it has not ended before. */
  endIn(milliseconds: number): void
}

/** Lets at most so many do something at once; whoever comes then waits, in the order of coming. */
export class Turns {
  readonly #waiting: (() => void)[] = []
  #free: number

  constructor(atOnce: number) {
    this.#free = atOnce
  }

  /** Resolves when it is the caller's turn. */
  async take(): Promise<Turn> {
    if (this.#free > 0) this.#free -= 1
    else await new Promise<void>(resolve => this.#waiting.push(resolve))
    let isOver = false
    let timer: NodeJS.Timeout | undefined
    const end = () => {
      clearTimeout(timer)
      if (isOver) return
      isOver = true
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free += 1
    }
    return {
      endIn(milliseconds) {
        timer ??= setTimeout(end, milliseconds)
      },
      [Symbol.dispose]: end,
    }
  }
}
