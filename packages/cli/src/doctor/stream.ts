import { ArtifactError, type StreamBeginning } from '@artifact-store/client'
import { type Finding, good, wrong } from './finding.ts'

/** What became of a stream of server-sent events that was opened. */
export function* streamFindings(beginning: StreamBeginning | ArtifactError): Generator<Finding> {
  const about = 'server-sent events'
  if (beginning instanceof ArtifactError) yield wrong(about, beginning.message)
  else if (beginning.kind === 'live') yield good(about, 'the stream begins at once')
  else if (beginning.kind === 'silent') {
    yield wrong(
      about,
      'the stream was opened, and its first bytes do not arrive: something on the way holds them back',
      'turn off buffering and compression of text/event-stream in the proxy (nginx: proxy_buffering off), and let it wait longer than 15 seconds',
    )
  } else {
    yield wrong(
      about,
      `GET /v1/events was answered with ${beginning.httpStatus} ${beginning.contentType} instead of a stream`,
      'see whether a proxy answers in the place of the gateway, or takes the Accept header away',
    )
  }
}
