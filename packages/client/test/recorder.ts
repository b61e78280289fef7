import type { SourceNotice, StoreEvent, Subscription } from '../src/index.ts'

/** Takes all that a subscription gives, in the background. */
export interface Recorder extends AsyncDisposable {
  readonly events: readonly StoreEvent[]
  /** All that came, once the subscription has passed that sequence. @throws what ended it before. */
  upTo(sequence: number): Promise<readonly StoreEvent[]>
  /** The next notice, from the one with that index on, that the source is this one; its index. */
  source(which: SourceNotice['source'], from?: number): Promise<number>
  readonly notices: readonly SourceNotice[]
}

/** @param slowly called for every event, and waited for. */
export function record(
  open: (onSource: (notice: SourceNotice) => void) => Subscription,
  slowly: (event: StoreEvent) => unknown = () => undefined,
): Recorder {
  const events: StoreEvent[] = []
  const notices: SourceNotice[] = []
  const waiting = new Set<() => void>()
  const tell = () => {
    for (const wake of waiting) wake()
  }
  const subscription = open(notice => {
    notices.push(notice)
    tell()
  })
  let broken: { readonly error: unknown } | undefined
  const following = (async () => {
    for await (const event of subscription) {
      events.push(event)
      tell()
      await slowly(event)
    }
  })().catch((error: unknown) => {
    broken = { error }
    tell()
  })

  /** Looks again at every event and notice, and now and then, since a position may move without either. */
  async function until<T>(look: () => T | undefined): Promise<T> {
    for (;;) {
      const found = look()
      if (found !== undefined) return found
      if (broken) throw broken.error
      await new Promise<void>(resolve => {
        const wake = () => {
          clearTimeout(timer)
          waiting.delete(wake)
          resolve()
        }
        const timer = setTimeout(wake, 50)
        waiting.add(wake)
      })
    }
  }

  return {
    events,
    notices,
    upTo: sequence => until(() => (subscription.position >= sequence ? [...events] : undefined)),
    source: (which, from = 0) =>
      until(() => {
        const at = notices.findIndex((notice, i) => i >= from && notice.source === which)
        return at < 0 ? undefined : at
      }),
    async [Symbol.asyncDispose]() {
      await subscription.return()
      await following
    },
  }
}
