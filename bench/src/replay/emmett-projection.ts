import { randomUUID } from 'node:crypto'
import { getPostgreSQLEventStore, pongoSingleStreamProjection } from '@event-driven-io/emmett-postgresql'
import pg from 'pg'

interface Noted {
  readonly type: 'note.taken'
  readonly data: { readonly digest: string; readonly size: number; readonly mediaType: string }
}

type Notes = { readonly count: number; readonly size: number }

const perStream = 10

/** Fills the peer's event store with so many events of the size of our commonest ones, ten in a stream. */
export async function fillEmmett(url: string, events: number): Promise<void> {
  const store = getPostgreSQLEventStore(url)
  await store.schema.migrate()
  for (let stream = 0; stream < events / perStream; stream++) {
    const noted = (i: number): Noted => ({
      type: 'note.taken',
      data: { digest: `blake3:${String(stream * perStream + i).padStart(64, '0')}`, size: i, mediaType: 'application/xml' },
    })
    await store.appendToStream(
      `package-${stream}`,
      Array.from({ length: perStream }, (_, i) => noted(i)),
    )
  }
  await store.close()
}

/**
 * The peer: Emmett's catch-up of a projection that keeps one document a stream, with the batch and the pause that suit it best.
 * @returns how many events it has projected until it found no more, and how many seconds that took.
 */
export async function projectEmmett(url: string): Promise<{ readonly events: number; readonly seconds: number }> {
  const pool = new pg.Pool({ connectionString: url, max: 4 })
  const store = getPostgreSQLEventStore(url, { schema: { autoMigration: 'None' }, connectionOptions: { pooled: true, pool } })
  const consumer = store.consumer({
    pulling: { batchSize: 1000, pullingFrequencyInMs: 0 },
    stopWhen: { noMessagesLeft: true },
  })
  let events = 0
  const projection = pongoSingleStreamProjection({
    collectionName: `notes_${randomUUID().slice(0, 8)}`,
    canHandle: ['note.taken'],
    initialState: (): Notes => ({ count: 0, size: 0 }),
    evolve: (document: Notes, event: Noted) => {
      events += 1
      return { count: document.count + 1, size: document.size + event.data.size }
    },
  })
  consumer.projector({ processorId: randomUUID(), projection })
  const begun = performance.now()
  await consumer.start()
  const seconds = (performance.now() - begun) / 1000
  await consumer.close()
  await store.close()
  if (!pool.ended) await pool.end()
  return { events, seconds }
}
