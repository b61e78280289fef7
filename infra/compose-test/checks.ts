/** Checks as sentences, told as they pass or fail and counted. One that fails does not keep the next ones from being tried. */
export class Checks {
  #passed = 0
  readonly #failures: string[] = []

  async that(sentence: string, check: () => Promise<void>): Promise<void> {
    const began = performance.now()
    try {
      await check()
      this.#passed += 1
      process.stdout.write(`  ✓ ${sentence} (${((performance.now() - began) / 1000).toFixed(1)} s)\n`)
    } catch (error) {
      const failure = `${sentence}\n${error instanceof Error ? error.stack : error}`
      this.#failures.push(failure)
      process.stdout.write(`  ✗ ${failure}\n`)
    }
  }

  get count(): { readonly passed: number; readonly failed: number; readonly failures: readonly string[] } {
    return { passed: this.#passed, failed: this.#failures.length, failures: this.#failures }
  }
}

/** Asks again and again until there is an answer. @throws Error after three minutes, with what was waited for. */
export async function until<T>(what: string, ask: () => Promise<T | undefined | false>): Promise<T> {
  let last: unknown
  for (const deadline = Date.now() + 180_000; Date.now() < deadline; ) {
    try {
      const answer = await ask()
      if (answer !== undefined && answer !== false) return answer
    } catch (error) {
      last = error
    }
    await new Promise(resolve => setTimeout(resolve, 200))
  }
  throw new Error(`did not come about: ${what}`, { cause: last })
}

/** @throws Error that says what was expected, unless it holds. */
export function must(holds: boolean, what: string): asserts holds {
  if (!holds) throw new Error(what)
}
