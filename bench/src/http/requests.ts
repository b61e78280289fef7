import { randomUUID } from 'node:crypto'
import { makeEvent, newPackageId } from '@artifact-store/core'
import { type Append, appendFramesType, frameAppend, joinFrames } from '@artifact-store/log'
import { samplePayload } from '../append/contender.ts'

/** What callers send, to the last byte: made once, so that the client costs next to nothing. */
export const token = 'the token of this measurement'

export function emptyRequest(): Buffer {
  return Buffer.from('GET / HTTP/1.1\r\nHost: bench\r\n\r\n')
}

export function jsonRequest(appends: number, events: number): Buffer {
  const body = { appends: sampleAppends(appends, events).map(withHexDigests) }
  return post('application/json', Buffer.from(JSON.stringify(body)))
}

export function framesRequest(appends: number, events: number): Buffer {
  return post(appendFramesType, joinFrames(sampleAppends(appends, events).map(frameAppend)))
}

function post(type: string, body: Buffer): Buffer {
  const head = `POST /v1/appends HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer ${token}\r\nContent-Type: ${type}\r\nContent-Length: ${body.length}\r\n\r\n`
  return Buffer.concat([Buffer.from(head), body])
}

function sampleAppends(appends: number, events: number): Append[] {
  return Array.from({ length: appends }, () => {
    const id = newPackageId()
    const event = (number: number) =>
      makeEvent({
        type: 'v1.package.created',
        subjectId: id,
        actor: 'user:alice@example.com',
        payload: samplePayload(number) as never,
      })
    return {
      key: randomUUID(),
      conditions: [{ subject: { kind: 'package', id }, revision: 0 }],
      events: [event(0), ...Array.from({ length: events - 1 }, (_, i) => event(i + 1))],
    }
  })
}

function withHexDigests(append: Append) {
  return { ...append, events: append.events.map(e => ({ ...e, payloadDigest: Buffer.from(e.payloadDigest).toString('hex') })) }
}
