import { type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { ArtifactError, isErrno } from '@artifact-store/core'
import { maxHeadBytes } from './connection-limits.ts'
import { problemHeaders, problemOf } from './problem.ts'

export interface Unreadable {
  /** What is being answered: a connection where that has begun is cut off, so that no problem stands in the middle of another answer. */
  readonly answering: Iterable<ServerResponse>
  /** Ends a connection after what was written to it. */
  readonly hangUp: (socket: Socket) => void
  /** Told of each, by the kind of its problem. */
  readonly onRefused: (reason: string) => void
}

/** Answers what is not HTTP, too much of it, too slow, or breaks off: on the bare socket, as there is no response to write on. */
export function answerUnreadable(server: Server, { answering, hangUp, onRefused }: Unreadable): void {
  server.on('clientError', (error: Error, socket: Socket) => {
    // Gone; or never said a word, and is not owed one.
    if (!socket.writable || isErrno(error, 'ECONNRESET') || socket.bytesRead === 0 || hasBegun(answering, socket)) {
      socket.destroy()
      if (isErrno(error, 'ERR_HTTP_REQUEST_TIMEOUT')) onRefused('request-timeout')
      return
    }
    const document = problemOf(refusalOf(error))
    onRefused(document.kind)
    const body = JSON.stringify(document)
    const headers = Object.entries({
      ...problemHeaders(document),
      'Content-Length': Buffer.byteLength(body),
      Connection: 'close',
    })
    const head = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
    socket.end(`HTTP/1.1 ${document.status} ${STATUS_CODES[document.status]}\r\n${head}\r\n${body}`)
    hangUp(socket)
  })
}

function hasBegun(answering: Iterable<ServerResponse>, socket: Socket): boolean {
  for (const outgoing of answering) if (outgoing.socket === socket && outgoing.headersSent) return true
  return false
}

function refusalOf(cause: Error): ArtifactError {
  if (isErrno(cause, 'HPE_INVALID_EOF_STATE'))
    return new ArtifactError(
      'body-incomplete',
      'the request ended before its body was complete: nothing was kept, send it again',
      { cause },
    )
  if (isErrno(cause, 'HPE_HEADER_OVERFLOW'))
    return new ArtifactError(
      'headers-too-large',
      `the head of the request is longer than ${maxHeadBytes} bytes: shorten its address or its fields`,
      { cause, details: { maxBytes: maxHeadBytes } },
    )
  if (isErrno(cause, 'ERR_HTTP_REQUEST_TIMEOUT'))
    return new ArtifactError('request-timeout', 'the head of the request did not come in time: send it again, at once', { cause })
  return new ArtifactError('invalid-request', `the request cannot be read: ${cause.message}`, { cause })
}
