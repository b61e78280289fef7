import type { ServerStatus } from '@artifact-store/client'
import { count, formatBytes } from '../sizes.ts'
import { doubtful, type Finding, good, wrong } from './finding.ts'

/** Who wrote is answered after so long, in seconds, whether or not reads show it. */
const patienceSeconds = 15
/** A disk is nearly full with less than this part of it free, or with less than so many bytes. */
const leastFree = { part: 0.05, bytes: 1024 ** 3 }

/** What the gateway knows of the parts behind it. @param now by this machine's clock, in milliseconds. */
export function* statusFindings(status: ServerStatus, now: number): Generator<Finding> {
  yield* logWriterFindings(status)
  yield* relayFindings(status)
  yield* viewsFindings(status, now)
  yield* blobsFindings(status)
}

function* logWriterFindings({ log, version }: ServerStatus): Generator<Finding> {
  const ready = log.writers.filter(writer => writer.ready)
  for (const [i, writer] of log.writers.entries()) {
    const about = log.writers.length === 1 ? 'log-writer' : `log-writer ${i + 1}`
    const red = Object.entries(writer.checks).filter(([, { ok }]) => !ok)
    const why = writer.trouble ?? red.map(([name, { detail }]) => `${name}: ${detail ?? 'red'}`).join('; ')
    if (writer.ready) yield good(about, `it is ready; the log is at ${log.head}`)
    else {
      const verdict = ready.length === 0 ? wrong : doubtful
      yield verdict(
        about,
        `it is not ready: ${why || 'it starts or stops'}`,
        ready.length === 0
          ? 'start it, or make right what it names: nothing can be written'
          : 'another one does the work; bring this one back before that one goes',
      )
    }
    if (writer.version !== undefined && writer.version !== version)
      yield doubtful(
        about,
        `it is ${writer.version} and the gateway ${version}`,
        'finish the upgrade: projectors, log-writers, then gateways',
      )
  }
}

export function* relayFindings({ log, stream }: ServerStatus): Generator<Finding> {
  const told = log.writers.flatMap(({ checks }) => (checks['relay'] ? [checks['relay']] : []))
  if (told.length === 0)
    return yield good('event stream', 'no log-writer that answers relays to NATS; subscribers use GET /v1/events')
  const red = told.find(({ ok }) => !ok)
  if (red)
    return yield wrong(
      'event stream',
      red.detail ?? 'the relay has stopped',
      'decide which of the two histories is right, and do what the message says',
    )
  const working = told.find(({ detail = '' }) => !detail.startsWith('standby'))
  const detail = working?.detail ?? 'all log-writers stand by'
  if (!stream.relayLeads)
    yield wrong(
      'event stream',
      'no log-writer relays to NATS',
      'see that a log-writer with NATS_URL runs; its log says why it does not lead',
    )
  else if (detail.startsWith('disconnected'))
    yield doubtful('event stream', detail, 'bring the broker back: events are safe in the log meanwhile, and are published then')
  else yield good('event stream', detail)
}

function* viewsFindings({ log, views }: ServerStatus, now: number): Generator<Finding> {
  const behind = Math.max(0, log.head - views.position)
  const seconds = views.waitingSince === undefined ? 0 : Math.max(0, (now - Date.parse(views.waitingSince)) / 1000)
  const where = `they show ${views.position} of ${count(log.head, 'event')}`
  if (!views.projectorLeads) {
    yield wrong(
      'views',
      `no projector moves them; ${where}`,
      'start a projector, or see in its log why it does not lead: writes wait for the views and are answered late',
    )
  } else if (behind > 0 && seconds > patienceSeconds) {
    yield wrong(
      'views',
      `${where}, and the next one is ${Math.round(seconds)} seconds old`,
      "look at the projector's /health/ready: it names an event that it cannot apply; if there is none, the database is slow or the views are being made anew",
    )
  } else yield good('views', behind === 0 ? `they show all of ${count(log.head, 'event')}` : `${where}, and move`)
}

function* blobsFindings({ blobs: { trouble, space } }: ServerStatus): Generator<Finding> {
  if (trouble !== undefined) yield wrong('bytes', trouble, 'see that the store of the bytes answers; it is tried again by itself')
  if (space === undefined) return
  const free = `${formatBytes(space.free)} of ${formatBytes(space.total)} are free where the bytes are`
  if (space.free < leastFree.bytes || space.free < space.total * leastFree.part)
    yield doubtful('disk', free, 'make room there, or move the bytes to a larger place: uploads are refused when it is full')
  else yield good('disk', free)
}
