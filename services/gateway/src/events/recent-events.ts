import { setTimeout as delay } from 'node:timers/promises'
import type { StoredEvent } from '@artifact-store/core'
import { type Bell, createBell, type LogReader } from '@artifact-store/log'
import type { Logger } from '@artifact-store/service'
import { payloadBytes } from './payload-bytes.ts'

/** What was appended last, for all who follow the log: it is read once for all of them, and only while there are any. */
export interface RecentEvents {
  /** Resolves once everything that is appended from now on will be here. Disposing it leaves.
   * @throws what reading the log throws. */
  join(): Promise<RecentEventsView & Disposable>
}

interface RecentEventsView {
  /** Rings when there is more. */
  readonly bell: Bell
  /** The next events, if they are here: none when there is nothing behind `after` yet, undefined when the log must be asked. */
  since(after: number): readonly StoredEvent[] | undefined
}

export interface RecentEventsOptions {
  readonly log: LogReader
  /** Rings when the log has grown. */
  readonly bell: Bell
  readonly logger: Logger
  /** How many events are kept, and how many bytes of their payloads. */
  readonly maxEvents?: number
  readonly maxBytes?: number
}

export function recentEvents(options: RecentEventsOptions): RecentEvents {
  let current: Window | undefined
  return {
    async join() {
      current ??= new Window(options)
      const joined = current
      joined.members += 1
      const leave = () => {
        joined.members -= 1
        if (joined.members > 0) return
        joined.close()
        if (current === joined) current = undefined
      }
      try {
        await joined.opened
      } catch (error) {
        // Whoever comes next begins anew.
        if (current === joined) current = undefined
        leave()
        throw error
      }
      return { bell: joined.bell, since: after => joined.since(after), [Symbol.dispose]: leave }
    },
  }
}

/** How many are read, and handed out, at once. */
const portion = 256
/** How many bytes of payloads are read at once, roughly. */
const portionBytes = 1024 * 1024
/** The longest wait between two looks, in milliseconds: the bell is a hint and may be lost. */
const pollMs = 1000
/** The wait after a failed read, in milliseconds. */
const retryMs = 500

/** The log's end, from where it was when this was made. As sequences have no gap, an event's place is its distance from the first. */
class Window {
  readonly bell = createBell()
  readonly opened: Promise<void>
  members = 0
  readonly #options: RecentEventsOptions
  readonly #closing = new AbortController()
  #events: StoredEvent[] = []
  /** The sequence before the first that is kept. */
  #before = 0
  #bytes = 0

  constructor(options: RecentEventsOptions) {
    this.#options = options
    this.opened = options.log.head().then(head => {
      this.#before = head
      void this.#follow()
    })
  }

  since(after: number): readonly StoredEvent[] | undefined {
    if (after < this.#before) return undefined
    return this.#events.slice(after - this.#before, after - this.#before + portion)
  }

  close(): void {
    this.#closing.abort()
  }

  async #follow(): Promise<void> {
    const { log, bell, logger } = this.#options
    const { signal } = this.#closing
    let size = portion
    while (!signal.aborted) {
      const known = bell.count
      try {
        const events = await log.fetchSince(this.#before + this.#events.length, size)
        if (signal.aborted) return
        if (events.length === 0) {
          await bell.wait(known, pollMs, signal)
          continue
        }
        size = Math.max(1, Math.min(portion, Math.floor((portionBytes * events.length) / payloadBytes(events))))
        this.#take(events)
      } catch (error) {
        // Those who follow wait for it, as they would for an event.
        logger.warn({ err: error }, 'the log cannot be followed just now; trying again')
        await delay(retryMs, undefined, { signal }).catch(() => undefined)
      }
    }
  }

  #take(events: readonly StoredEvent[]): void {
    const { maxEvents = 8192, maxBytes = 8 * 1024 * 1024 } = this.#options
    this.#bytes += payloadBytes(events)
    let drop = 0
    // Those that have just come stay, however large they are: whoever waits shall find them here.
    for (const oldest of this.#events) {
      if (this.#bytes <= maxBytes && this.#events.length - drop + events.length <= maxEvents) break
      this.#bytes -= payloadBytes([oldest])
      drop += 1
    }
    this.#events.splice(0, drop)
    this.#events.push(...events)
    this.#before += drop
    this.bell.ring()
  }
}
