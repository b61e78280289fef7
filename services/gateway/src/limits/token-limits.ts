import { ArtifactError, type TokenId } from '@artifact-store/core'

/** What one token may ask of one gateway. */
export interface TokenLimitSettings {
  /** Most requests that are being answered at once; 0: no limit. */
  readonly maxRequests: number
  /** Requests a second in the long run; 0: no limit. */
  readonly perSecond: number
  /** Most requests at once after a pause. */
  readonly burst: number
  /** Most tokens that are remembered. */
  readonly maxTokens?: number | undefined
  /** Milliseconds that only go forward. */
  readonly now?: (() => number) | undefined
}

/** One request, from where its token is known until its answer has ended. */
export interface Admission {
  leave(): void
}

/**
 * Holds tokens to their limits, in memory and for this gateway alone: a bucket of permits for each, which a request takes one of and time fills
 * again, and a count of those that have not left. Nothing is made for a request but for the first one of a token.
 */
export class TokenLimits {
  readonly #settings: TokenLimitSettings
  readonly #maxTokens: number
  readonly #now: () => number
  readonly #usages = new Map<TokenId, Usage>()

  constructor(settings: TokenLimitSettings) {
    this.#settings = settings
    this.#maxTokens = settings.maxTokens ?? 10_000
    this.#now = settings.now ?? (() => performance.now())
  }

  /** How many tokens are remembered. */
  get size(): number {
    return this.#usages.size
  }

  /** @throws ArtifactError `too-many-requests` that says when to come again. */
  enter(token: TokenId): Admission {
    const { maxRequests, perSecond, burst } = this.#settings
    const usage = this.#usages.get(token) ?? this.#remember(token)
    if (maxRequests > 0 && usage.inFlight >= maxRequests) {
      throw new ArtifactError(
        'too-many-requests',
        `the token has ${maxRequests} requests under way, as many as it may: send the next when one has been answered`,
        { details: { limit: 'concurrency', maxRequests, retryAfter: 1 } },
      )
    }
    if (perSecond > 0) {
      const now = this.#now()
      usage.permits = permitsAt(usage, now, this.#settings)
      usage.since = now
      if (usage.permits < 1) {
        throw new ArtifactError(
          'too-many-requests',
          `the token may make ${perSecond} requests a second, and ${burst} at once after a pause: wait a little`,
          {
            details: {
              limit: 'rate',
              requestsPerSecond: perSecond,
              burst,
              retryAfter: Math.ceil((1 - usage.permits) / perSecond),
            },
          },
        )
      }
      usage.permits -= 1
    }
    usage.inFlight += 1
    return usage
  }

  #remember(token: TokenId): Usage {
    if (this.#usages.size >= this.#maxTokens) this.#forgetSome()
    const usage = new Usage(this.#settings.burst, this.#now())
    this.#usages.set(token, usage)
    return usage
  }

  /** Those who have nothing under way: first who would begin anew with what they have, then the oldest half if that is not enough. */
  #forgetSome(): void {
    const now = this.#now()
    for (const [token, usage] of this.#usages) {
      if (usage.inFlight === 0 && permitsAt(usage, now, this.#settings) >= this.#settings.burst) this.#usages.delete(token)
    }
    if (this.#usages.size < this.#maxTokens) return
    let left = Math.ceil(this.#maxTokens / 2)
    for (const [token, usage] of this.#usages) {
      if (left === 0) return
      if (usage.inFlight > 0) continue
      this.#usages.delete(token)
      left -= 1
    }
  }
}

class Usage implements Admission {
  inFlight = 0
  permits: number
  /** When it had these permits. */
  since: number

  constructor(permits: number, since: number) {
    this.permits = permits
    this.since = since
  }

  leave(): void {
    this.inFlight -= 1
  }
}

function permitsAt(usage: Usage, now: number, { perSecond, burst }: TokenLimitSettings): number {
  if (perSecond === 0) return burst
  return Math.min(burst, usage.permits + ((now - usage.since) / 1000) * perSecond)
}
