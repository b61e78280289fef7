import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { buffer } from 'node:stream/consumers'
import { ArtifactError, isArtifactError } from '@artifact-store/core'
import { type Append, readAppends, writeResults } from '@artifact-store/log'

/** A bare HTTP server in the place of a log-writer, at which a test makes things go wrong. */
export interface SmallLogWriter extends AsyncDisposable {
  readonly url: URL
  /** The appends of each request that came, in the order of their coming. */
  readonly requests: readonly (readonly Append[])[]
  /** How it answers from now on; `append` at first. */
  answer: Answer
  /** Whether `/health/ready` says so; true at first. */
  ready: boolean
}

export type Answer = (appends: readonly Append[], response: ServerResponse) => unknown

/** @param port 0 lets the system choose. */
export async function startSmallLogWriter(port = 0): Promise<SmallLogWriter> {
  const requests: (readonly Append[])[] = []
  const server = createServer(async (request, response) => {
    if (request.url === '/health/ready') {
      response.writeHead(writer.ready ? 200 : 503).end()
      return
    }
    const appends = readAppends(request.headers['content-type'], await buffer(request)).map(append => {
      if (isArtifactError(append)) throw append
      return append
    })
    requests.push(appends)
    await writer.answer(appends, response)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  let closed: Promise<void> | undefined
  const writer: SmallLogWriter = {
    url: new URL(`http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`),
    requests,
    answer: acceptAll,
    ready: true,
    [Symbol.asyncDispose]() {
      closed ??= new Promise(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      return closed
    },
  }
  return writer
}

/** Answers every append as the first of an empty log. */
export const acceptAll: Answer = (appends, response) => {
  const createdAt = new Date('2026-01-02T03:04:05.678Z')
  response.end(writeResults(appends.map(() => ({ outcome: 'appended', firstSequence: 1, lastSequence: 1, createdAt }))))
}

export const refuseAll: Answer = (appends, response) => {
  response.end(writeResults(appends.map(() => new ArtifactError('digest-mismatch', 'not the BLAKE3'))))
}

/** Answers a problem of that kind. */
export function problem(status: number, kind: string, headers: Readonly<Record<string, string>> = {}): Answer {
  return (_, response) => {
    response.writeHead(status, { 'content-type': 'application/problem+json', ...headers }).end(JSON.stringify({ status, kind }))
  }
}
