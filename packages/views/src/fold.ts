import { asKnown, type EventType, type StoredEvent } from '@artifact-store/core'
import type { QueryConfig } from 'pg'
import { expected, type Pipeline } from './pipeline.ts'
import { registryViews } from './registry.ts'
import { createRowStore } from './row-store.ts'
import type { StoredRows } from './stored-rows.ts'
import type { Handler, Key } from './view.ts'

/** The registry views while one transaction changes them. Their rows are written later, at the latest by `finish`. */
export interface Fold {
  /** Loads the rows that these events read, and answers how to apply them: by handing them to the handlers of every view, in their order. */
  load(events: readonly StoredEvent[]): Promise<() => void>
  /** Empties every view. */
  clear(): void
  /** Sends all that is not written yet. */
  finish(): void
}

/** How much is kept in memory. Time is counted in turns: one ends when so many rows have come to those in memory, or so much text. */
export interface FoldMemory {
  readonly turn: {
    readonly rows: number
    /** Of payloads, and of rows as they were loaded. */
    readonly characters: number
  }
  /** A row that nothing has asked for in so many turns is written and forgotten. */
  readonly turns: number
}

// A turn is about a batch, so that the database writes what one batch has left behind while the next one is folded.
const defaultMemory: FoldMemory = { turn: { rows: 4000, characters: 2 * 1024 * 1024 }, turns: 3 }

/** @param tables those of `registryViews`, in its order. */
export function openFold(pipeline: Pipeline, tables: readonly StoredRows[], memory = defaultMemory): Fold {
  const stores = tables.map(createRowStore)
  let kept = 0
  let characters = 0
  let idleWritten: Promise<unknown> = Promise.resolve()

  const size = () => stores.reduce((sum, store) => sum + store.size, 0)
  const send = (statements: readonly QueryConfig[]) => expected(Promise.all(statements.map(one => pipeline.query(one))))

  async function makeRoom(): Promise<void> {
    if (size() - kept < memory.turn.rows && characters < memory.turn.characters) return
    // What waits to be sent is memory too.
    await idleWritten
    idleWritten = send(stores.flatMap(store => store.takeIdle(memory.turns)))
    kept = size()
    characters = 0
  }

  return {
    async load(events) {
      const steps = stepsOf(events)
      const keys: Key[][] = stores.map(() => [])
      for (const { event, view, handler } of steps) if (handler.reads) keys[view]?.push(...handler.reads(event))
      const loading = expected(Promise.all(stores.map((store, view) => store.load(pipeline, keys[view] ?? []))))
      // Behind what is read, so that the database writes while events are folded here.
      await makeRoom()
      characters += events.reduce((sum, event) => sum + event.payloadJson.length, 0)
      for (const loaded of await loading) characters += loaded
      return () => {
        for (const { event, view, handler } of steps) {
          const store = stores[view]
          if (store) handler.apply(event, store)
        }
        void send(stores.flatMap(store => store.takeDeletions()))
      }
    },
    clear() {
      for (const store of stores) store.clear()
      void send(tables.map(({ deletionOfAll }) => deletionOfAll))
    },
    finish: () => void send(stores.flatMap(store => store.takeAll())),
  }
}

// Which handler fits which event is known by the event's type at run time only; `defineView` has checked each pair.
type AnyHandler = Handler<EventType, Record<string, unknown>>
interface Handled {
  /** Its place in `registryViews`. */
  readonly view: number
  readonly handler: AnyHandler
}

const handlers: ReadonlyMap<string, readonly Handled[]> = Map.groupBy(
  registryViews.flatMap(({ handlers: ofView }, view) =>
    Object.entries(ofView as unknown as Record<string, AnyHandler>).map(([type, handler]) => ({ type, view, handler })),
  ),
  ({ type }) => type,
)

function stepsOf(events: readonly StoredEvent[]) {
  return events.flatMap(stored => {
    const event = asKnown(stored)
    const handled = event && handlers.get(event.eventType)
    return handled ? handled.map(({ view, handler }) => ({ event, view, handler })) : []
  })
}
