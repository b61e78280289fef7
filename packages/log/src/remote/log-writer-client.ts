import { ArtifactError, isArtifactError } from '@artifact-store/core'
import { Pool } from 'undici'
import { appendFramesType } from '../wire/append-frames.ts'

/** One log-writer, over connections that are kept. */
export interface LogWriterClient extends AsyncDisposable {
  /** Host and port, for messages. */
  readonly name: string
  /**
   * Sends a body of framed appends, with headers beside its own. @returns the results as text.
   * @throws ArtifactError `log-unavailable` or `overloaded` where asking again may help, then with `retryAfterMs` in its details if the
   *   log-writer named a time; `configuration` when it does not accept the token; `internal` for what it should never answer.
   */
  append(body: Buffer, headers: Readonly<Record<string, string>>, timeoutMs: number): Promise<string>
  /** Whether it says that it can work, within two seconds. */
  ready(): Promise<boolean>
}

export function openLogWriterClient(url: URL, token: string, connections: number): LogWriterClient {
  // Without pipelining: an answer that is late must not hold up the one behind it.
  const pool = new Pool(url.origin, { connections, pipelining: 1, connect: { timeout: connectMs } })
  const headers = { 'content-type': appendFramesType, authorization: `Bearer ${token}` }
  return {
    name: url.host,
    async append(body, more, timeoutMs) {
      const request = {
        ...{ method: 'POST', path: '/v1/appends', headers: { ...headers, ...more }, body },
        headersTimeout: timeoutMs,
        bodyTimeout: timeoutMs,
      }
      const {
        statusCode,
        headers: answered,
        text,
      } = await ask(pool, request).catch((cause: unknown) => {
        throw new ArtifactError(
          'log-unavailable',
          `the log-writer at ${url.host} does not answer; the write may be tried again`,
          {
            cause,
          },
        )
      })
      if (statusCode === 200) return text
      throw refusal(url.host, statusCode, text, answered['retry-after'])
    },
    async ready() {
      const request = { method: 'GET', path: '/health/ready', headersTimeout: readyMs, bodyTimeout: readyMs }
      return ask(pool, request).then(
        ({ statusCode }) => statusCode === 200,
        () => false,
      )
    },
    [Symbol.asyncDispose]: () => pool.destroy(),
  }
}

const connectMs = 2000
const readyMs = 2000

async function ask(pool: Pool, request: Parameters<Pool['request']>[0]) {
  const { statusCode, headers, body } = await pool.request(request)
  return { statusCode, headers, text: await body.text() }
}

function refusal(host: string, status: number, text: string, retryAfter: string | string[] | undefined): ArtifactError {
  const cause = new Error(text.slice(0, 500))
  switch (status) {
    case 502:
    case 503:
    case 504: {
      const kind = status === 503 && /"kind":"overloaded"/.test(text) ? 'overloaded' : 'log-unavailable'
      const seconds = Number(retryAfter)
      const details = seconds > 0 ? { retryAfterMs: seconds * 1000 } : {}
      return new ArtifactError(kind, `the log-writer at ${host} answered ${status}; the write may be tried again`, {
        cause,
        details,
      })
    }
    case 401:
      return new ArtifactError(
        'configuration',
        `the log-writer at ${host} answered 401: LOG_WRITER_TOKEN is not the one that it was started with`,
        { cause },
      )
    default:
      return new ArtifactError('internal', `the log-writer at ${host} answered ${status}`, { cause })
  }
}

/** How long the log-writer asked to be left alone, in milliseconds; 0 if it did not. */
export function retryAfterMs(error: unknown): number {
  const ms = isArtifactError(error) ? error.details['retryAfterMs'] : 0
  return typeof ms === 'number' ? ms : 0
}
