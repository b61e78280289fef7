/** Works that are under way at once, whose results are told in the order in which they were begun. */
export class InOrder<Result> {
  readonly #limits: { readonly files: number; readonly bytes: number }
  readonly #tell: (results: readonly Result[]) => Promise<void>
  readonly #works: Work<Result>[] = []
  #bytes = 0
  #telling: Promise<void> | undefined
  #less = Promise.withResolvers<void>()

  /** @param tell is called with what has come, one call at a time. */
  constructor(limits: { files: number; bytes: number }, tell: (results: readonly Result[]) => Promise<void>) {
    this.#limits = limits
    this.#tell = tell
  }

  /** Returns when one more of so many bytes may be begun. */
  async room(bytes: number): Promise<void> {
    const isFull = () => this.#works.length >= this.#limits.files || this.#bytes + bytes > this.#limits.bytes
    while (this.#works.length > 0 && isFull()) await this.#less.promise
  }

  /** @param result must not reject. */
  add(result: Promise<Result>, bytes: number): void {
    const work: Work<Result> = { bytes, result }
    void result.then(value => {
      work.come = { value }
    })
    this.#works.push(work)
    this.#bytes += bytes
    this.#telling ??= this.#tellAll()
  }

  /** Returns when everything has been told. @throws what `tell` throws. */
  async ended(): Promise<void> {
    while (this.#telling) await this.#telling
  }

  async #tellAll(): Promise<void> {
    for (let [first] = this.#works; first; [first] = this.#works) {
      await first.result
      const results: Result[] = []
      for (let [next] = this.#works; next?.come; [next] = this.#works) {
        results.push(next.come.value)
        this.#bytes -= next.bytes
        this.#works.shift()
      }
      await this.#tell(results)
      this.#less.resolve()
      this.#less = Promise.withResolvers()
    }
    this.#telling = undefined
  }
}

interface Work<Result> {
  readonly bytes: number
  readonly result: Promise<Result>
  come?: { readonly value: Result }
}
