import { postgresLogReader } from '@artifact-store/log'
import { createViewWriter, replay, stateDigest } from '@artifact-store/views'
import { createBLAKE3 } from 'hash-wasm'
import { Pool } from 'pg'
import { factsOf } from '../file-tree.ts'
import { readJetStream, streamState } from '../jetstream-events.ts'
import { openArchive } from './archive-log.ts'
import type { LogEvent, Remains } from './check/evidence.ts'
import { filesOf } from './check/readers-saw-enough.ts'
import type { Shown } from './history.ts'
import type { Imprinter } from './imprint.ts'
import { readSegments } from './read-segments.ts'
import { databases } from './world/template.ts'
import { adminToken, type World } from './world/world.ts'

/** Looks at all that is there when nothing moves any more, past every link. */
export async function observe(world: World, imprint: Imprinter): Promise<Omit<Remains, 'ownEnds' | 'unsettled'>> {
  await using live = poolOf(world.postgresUrl())
  await using fresh = poolOf(world.postgresUrl('postgres', databases.replay))
  const log = await readLog(live, world.logArchive)
  await using archive = await openArchive(world)
  await replay(postgresLogReader(live, {}, archive), createViewWriter(fresh), { reset: true })
  return {
    isWhole: true,
    log,
    stream: await readStream(world, imprint),
    views: await stateDigest(live),
    replayed: await stateDigest(fresh),
    blobs: await readBlobs(world, log),
  }
}

/** What is in the table, and before that what is in the archive. */
async function readLog(pool: Pool, archive: string): Promise<LogEvent[]> {
  const hasher = await createBLAKE3()
  const { rows } = await pool.query<
    Record<'sequence' | 'revision' | 'type' | 'kind' | 'id' | 'actor' | 'payload' | 'digest', string> & { time: Date }
  >(
    `select sequence, subject_revision as revision, event_type as type, subject_kind as kind, subject_id as id, actor,
            convert_from(payload, 'UTF8') as payload, encode(payload_digest, 'hex') as digest, created_at as time
       from log.events order by sequence`,
  )
  const inTable = rows.map(({ sequence, revision, type, kind, id, actor, payload, digest, time }) => ({
    sequence: Number(sequence),
    revision: Number(revision),
    ...{ type, kind, id, actor, digest },
    time: time.toISOString(),
    payloadJson: payload,
    computedDigest: hasher.init().update(payload).digest('hex'),
  }))
  const inArchive = (await readSegments(archive)).filter(event => event.sequence < (inTable[0]?.sequence ?? 1))
  return [...inArchive, ...inTable]
}

async function readStream(world: World, imprint: Imprinter): Promise<Shown[]> {
  const { last, messages } = await streamState(world.natsUrl())
  const shown: Shown[] = []
  if (messages === 0) return shown
  for await (const event of readJetStream(world.natsUrl(), 0, { longestSilenceMs: 20_000 })) {
    shown.push(imprint(event))
    if (event.sequence >= last) break
  }
  return shown
}

/** Every blob that the log names, fetched and hashed. */
async function readBlobs(world: World, log: readonly LogEvent[]): Promise<Map<string, 'right' | 'wrong' | 'missing'>> {
  const left = [...new Set(log.flatMap(digestsOf))]
  const found = new Map<string, 'right' | 'wrong' | 'missing'>()
  const [gateway] = world.partsOf('gateway')
  const url = gateway && world.serviceUrl(gateway)
  const worker = async () => {
    for (let digest = left.pop(); digest !== undefined; digest = left.pop()) {
      const answer = await fetch(`${url}/v1/blobs/${digest}`, { headers: { authorization: `Bearer ${adminToken}` } })
      const bytes = Buffer.from(await answer.arrayBuffer())
      if (answer.status === 200) found.set(digest, (await factsOf([bytes])).blake3 === digest ? 'right' : 'wrong')
      else found.set(digest, answer.status === 404 ? 'missing' : 'wrong')
    }
  }
  await Promise.all(Array.from({ length: 4 }, worker))
  return found
}

function digestsOf({ type, id, payloadJson }: LogEvent): string[] {
  if (type === 'v1.blob.stored') return [id]
  if (type === 'v1.package.files-added') return filesOf(payloadJson).map(file => file.digest)
  if (type !== 'v1.package.finalized') return []
  const { manifestDigest, configDigest } = JSON.parse(payloadJson) as { manifestDigest: string; configDigest: string }
  return [manifestDigest, configDigest]
}

function poolOf(connectionString: string): Pool & AsyncDisposable {
  const pool = new Pool({ connectionString, max: 3 })
  pool.on('error', () => {})
  return Object.assign(pool, { [Symbol.asyncDispose]: () => pool.end() })
}
