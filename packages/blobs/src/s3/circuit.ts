/** What a call says when it is through. Exactly one of these is called, once. */
export interface Passage {
  /** The server answered, be it with a refusal. */
  worked(): void
  /** The server failed, and the call tries no more if `last`. */
  failed(last: boolean, reason: string): void
  /** The caller gave up: that says nothing about the server. */
  abandoned(): void
}

/** Why a call does not take place. */
export interface Refusal {
  readonly reason: string
  /** Milliseconds until the server is tried again. */
  readonly waitMs: number
}

export interface CircuitOptions {
  /** How long it stays open at first, in milliseconds; twice as long each time that a trial fails, up to `longestMs`. */
  readonly firstMs?: number | undefined
  readonly longestMs?: number | undefined
}

/**
 * Keeps calls away from a server that does not work, so that they fail at once and not each by its own waiting. It opens when a
 * call has used up its attempts and no other has succeeded meanwhile; after a pause one call is let through as a trial, and
 * closes it by success.
 */
export class Circuit {
  readonly #firstMs: number
  readonly #longestMs: number
  #successes = 0
  #open: { reason: string; pauseMs: number; until: number; trying: boolean } | undefined

  constructor({ firstMs = 1000, longestMs = 30_000 }: CircuitOptions = {}) {
    this.#firstMs = firstMs
    this.#longestMs = longestMs
  }

  /** Why no call takes place at present; undefined while they do. */
  get reason(): string | undefined {
    return this.#open?.reason
  }

  enter(): Passage | Refusal {
    const open = this.#open
    if (open !== undefined) {
      const waitMs = Math.max(0, open.until - performance.now())
      if (waitMs > 0 || open.trying) return { reason: open.reason, waitMs }
      open.trying = true
    }
    const successesBefore = this.#successes
    return {
      worked: () => {
        this.#successes += 1
        this.#open = undefined
      },
      failed: (last, reason) => {
        const alone = this.#successes === successesBefore
        if (open !== undefined && open === this.#open) this.#openFor(Math.min(open.pauseMs * 2, this.#longestMs), reason)
        else if (last && alone && this.#open === undefined) this.#openFor(this.#firstMs, reason)
      },
      abandoned: () => {
        if (open !== undefined) open.trying = false
      },
    }
  }

  #openFor(pauseMs: number, reason: string): void {
    this.#open = { reason, pauseMs, until: performance.now() + pauseMs, trying: false }
  }
}
