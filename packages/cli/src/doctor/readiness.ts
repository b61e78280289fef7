import type { Health } from '@artifact-store/client'
import { type Finding, good, wrong } from './finding.ts'

/** What each check of the gateway is about, and what to do where it is red. */
const advice: Readonly<Record<string, string>> = {
  postgres:
    'nothing can be read or written without the database: see that PostgreSQL runs, has room, and takes the connection of DATABASE_URL',
  blobs:
    'no bytes can be taken or given: see that the place of BLOBS_URL is mounted, writable and not full, or that the S3 server answers; "artifact admin backends" knows more',
  archive: 'old events cannot be read: see that LOG_ARCHIVE_URL is what the log-writers have, and that this place is there',
  'log-writer': 'nothing can be written: see that a log-writer runs at LOG_WRITER_URL, and look at its own /health/ready',
}

/** What the gateway's own checks say, each in words. */
export function* readinessFindings({ status, checks }: Health): Generator<Finding> {
  if (status === 'starting' || status === 'stopping')
    yield wrong(
      'readiness',
      `the gateway is ${status}`,
      status === 'starting' ? 'wait; if it stays so, its log says what for' : 'wait, or start it again',
    )
  for (const [name, { ok, detail }] of Object.entries(checks)) {
    const said = detail === undefined ? '' : `: ${detail}`
    if (ok) yield good(`readiness: ${name}`, `it works${said}`)
    else yield wrong(`readiness: ${name}`, `it does not work${said}`, advice[name] ?? 'the log of the gateway says more')
  }
}
