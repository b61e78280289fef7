/** `requests` go to the server behind the link, `answers` come from it. */
export type Direction = 'requests' | 'answers'

/** What can be wrong with a network between two processes. */
export type Impairment =
  /** Nobody is let in; who is in stays. */
  | { readonly kind: 'refuse' }
  /** Bytes are kept back, on connections that are there and on new ones, and nobody is told. */
  | { readonly kind: 'stall'; readonly directions: readonly Direction[] }
  /** Each piece waits so long (milliseconds) and no more than so many bytes pass in a second. */
  | { readonly kind: 'slow'; readonly delayMs: number; readonly bytesPerSecond: number }

/** The state of a link: what holds up the bytes that go through it now. */
export interface Passage {
  readonly refuses: () => boolean
  readonly impair: (impairment: Impairment) => () => void
  readonly tear: (direction: Direction, afterBytes: number) => void
  /** Returns when the piece may go on, or when the signal aborts. `torn`: only these bytes of it go, and then the connection breaks. */
  pass(direction: Direction, piece: Buffer, signal: AbortSignal): Promise<{ readonly bytes: Buffer; readonly torn: boolean }>
}

export function createPassage(): Passage {
  const impairments = new Set<Impairment>()
  const tears: { readonly direction: Direction; left: number }[] = []
  let changed = Promise.withResolvers<void>()
  const change = () => {
    changed.resolve()
    changed = Promise.withResolvers<void>()
  }

  /** Milliseconds that a piece has to wait in all, as things are now; Infinity while nothing goes. */
  function holdUp(direction: Direction, bytes: number): number {
    let delay = 0
    for (const impairment of impairments) {
      if (impairment.kind === 'stall' && impairment.directions.includes(direction)) return Number.POSITIVE_INFINITY
      if (impairment.kind === 'slow') delay += impairment.delayMs + (bytes / impairment.bytesPerSecond) * 1000
    }
    return delay
  }

  function tearOf(direction: Direction, piece: Buffer): Buffer | undefined {
    const index = tears.findIndex(tear => tear.direction === direction)
    const tear = tears[index]
    if (!tear) return undefined
    tear.left -= piece.length
    if (tear.left > 0) return undefined
    tears.splice(index, 1)
    return piece.subarray(0, piece.length + tear.left)
  }

  return {
    refuses: () => [...impairments].some(({ kind }) => kind === 'refuse'),
    impair(impairment) {
      impairments.add(impairment)
      change()
      return () => {
        impairments.delete(impairment)
        change()
      }
    },
    tear: (direction, afterBytes) => void tears.push({ direction, left: afterBytes }),
    async pass(direction, piece, signal) {
      const since = performance.now()
      while (!signal.aborted) {
        // Asked again whenever something changes, so that what is healed flows at once.
        const left = holdUp(direction, piece.length) - (performance.now() - since)
        if (left <= 0) break
        await waitFor(changed.promise, left, signal)
      }
      const before = tearOf(direction, piece)
      return before ? { bytes: before, torn: true } : { bytes: piece, torn: false }
    },
  }
}

/** Returns after so many milliseconds, for which Infinity is none, or when one of the others comes first. */
function waitFor(changed: Promise<void>, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    const timer = Number.isFinite(ms) ? setTimeout(done, ms) : undefined
    function done() {
      clearTimeout(timer)
      signal.removeEventListener('abort', done)
      resolve()
    }
    signal.addEventListener('abort', done, { once: true })
    void changed.then(done)
  })
}
