import type { Health } from '@artifact-store/client'
import { doubtful, type Finding, good, wrong } from './finding.ts'

/** What each check of the gateway is about, and what to do where it is red. */
const advice: Readonly<Record<string, string>> = {
  postgres:
    'nothing can be read or written without the database: see that PostgreSQL runs, has room, and takes the connection of DATABASE_URL',
  blobs:
    'no bytes can be taken or given: see that the place of BLOBS_URL is mounted, writable and not full, or that the S3 server answers; "artifact admin backends" knows more',
  archive: 'old events cannot be read: see that LOG_ARCHIVE_URL is what the log-writers have, and that this place is there',
  disk: 'make room there, or move the bytes to a larger place: uploads are refused when it is full',
  views: 'see that a projector runs, and what its /health/ready says: those who write wait for the views',
  nats: 'bring the broker back: without it wake-ups come from PostgreSQL, and subscribers to NATS wait',
  'log-writer': 'nothing can be written: see that a log-writer runs at LOG_WRITER_URL, and look at its own /health/ready',
}

const otherStore =
  'see that this place of BLOBS_REPLICA_URLS or BLOBS_OLDER_URLS is there, and can be used as the first one; "artifact admin backends" knows more'

/** What the gateway's own checks say, each in words. */
export function* readinessFindings({ status, checks }: Health): Generator<Finding> {
  if (status === 'starting' || status === 'stopping')
    yield wrong(
      'readiness',
      `the gateway is ${status}`,
      status === 'starting' ? 'wait; if it stays so, its log says what for' : 'wait, or start it again',
    )
  for (const [name, { ok, state, detail }] of Object.entries(checks)) {
    const about = `readiness: ${name}`
    const said = detail === undefined ? '' : `: ${detail}`
    // A store beside the first is a check of its own, called `blobs older-1` for instance.
    const todo = advice[name] ?? (name.startsWith('blobs ') ? otherStore : undefined) ?? 'the log of the gateway says more'
    if (!ok) yield wrong(about, `it does not work${said}`, todo)
    else if (state === 'warning') yield doubtful(about, `it is not as it should be${said}`, todo)
    else yield good(about, `it works${said}`)
  }
}
