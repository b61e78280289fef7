import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { streamState } from '../jetstream-events.ts'
import type { Subscriber } from './workload/subscriber.ts'
import type { World } from './world/world.ts'

export interface Settling {
  readonly world: World
  readonly subscribers: readonly Subscriber[]
  /** Whether each way to write has worked again since everything was healed; undefined, or what does not. */
  readonly writes: () => Promise<string | undefined>
  /** Milliseconds. */
  readonly patience: number
}

/** Waits until everything works again and everybody has everything. @returns what did not come about, as sentences; none when all did. */
export async function settle({ world, subscribers, writes, patience }: Settling): Promise<string[]> {
  const deadline = performance.now() + patience
  for (const condition of [() => readiness(world), writes, () => standing(world, subscribers)]) {
    for (;;) {
      const missing = await condition().catch(
        (error: unknown) => `something broke: ${error instanceof Error ? error.message : String(error)}`,
      )
      if (missing === undefined) break
      if (performance.now() > deadline) return [`${patience / 1000} s after everything was healed: ${missing}`]
      await sleep(50)
    }
  }
  return []
}

async function readiness(world: World): Promise<string | undefined> {
  for (const part of (['gateway', 'log-writer', 'projector'] as const).flatMap(kind => world.partsOf(kind))) {
    const url = world.serviceUrl(part)
    if (url === undefined) return `${part.name} does not run`
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5000) }).catch(() => undefined)
    if (!answer?.ok) return `${part.name} is not ready: ${(await answer?.text().catch(() => '')) ?? 'it does not answer'}`
    await answer.body?.cancel()
  }
  return undefined
}

/** Whether log, stream, views and subscribers stand at one number, and still do a moment later. */
async function standing(world: World, subscribers: readonly Subscriber[]): Promise<string | undefined> {
  const before = await positions(world)
  const { head, stream, views } = before
  if (stream.last !== head || stream.messages !== head)
    return `the log is at ${head}, the stream at ${stream.last} with ${stream.messages} messages`
  if (views !== head) return `the log is at ${head}, the views at ${views}`
  const behind = subscribers.find(({ reached }) => reached !== head)
  if (behind) return `the log is at ${head}, and ${behind.name} got everything up to ${behind.reached}`
  await sleep(100)
  const after = await positions(world)
  return after.head === head ? undefined : `the log still moves, from ${head} to ${after.head}`
}

async function positions(world: World) {
  const client = new Client({ connectionString: world.postgresUrl(), connectionTimeoutMillis: 2000 })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ head: string; views: string }>(
      `select (select coalesce(max(sequence), 0) from log.events) as head, (select coalesce(max(position), 0) from views.checkpoints) as views`,
    )
    const [row] = rows
    return { head: Number(row?.head), views: Number(row?.views), stream: await streamState(world.natsUrl()) }
  } finally {
    await client.end()
  }
}
