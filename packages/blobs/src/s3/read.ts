import type { Readable } from 'node:stream'
import { ArtifactError } from '@artifact-store/core'
import { GetObjectCommand } from '@aws-sdk/client-s3'
import type { Abortable, ByteStream } from '../blob-store.ts'
import type { ByteRange } from '../byte-range.ts'
import { attempts, type S3Calls } from './calls.ts'
import { s3Error } from './failure.ts'
import { answered } from './multipart.ts'

export interface ObjectPart extends Abortable {
  readonly key: string
  /** The object's size. */
  readonly size: number
  readonly range: ByteRange
  /** Whether the server may be asked for a part of an object; else it is read from its beginning and what is not wanted is dropped. */
  readonly ranges: boolean
}

/**
 * The bytes of a part of an object. It asks for them with the first read and stops asking when it is stopped. A stream that
 * breaks off, stalls or ends early is gone on with from where it was. @throws ArtifactError `backend-unavailable`
 */
export async function* readObject(calls: S3Calls, part: ObjectPart): ByteStream {
  const { range, signal } = part
  let position = range.start
  for (let failures = 0; position < range.end; ) {
    const answer = await askFor(calls, part, position)
    let skip = position - answer.start
    let broken: unknown
    try {
      for await (const chunk of answer.body) {
        signal?.throwIfAborted()
        // More than was wanted. An answer that is no longer is read to its end instead, so that its connection can be used again.
        if (position === range.end) return
        const piece = skip < chunk.length ? chunk.subarray(skip, skip + range.end - position) : undefined
        skip = Math.max(0, skip - chunk.length)
        if (piece === undefined || piece.length === 0) continue
        position += piece.length
        failures = 0
        yield piece
      }
    } catch (error) {
      signal?.throwIfAborted()
      broken = error
    } finally {
      answer.body.destroy()
    }
    failures += 1
    if (failures === attempts) throw brokenOff(calls, part, position, broken)
  }
}

async function askFor(
  calls: S3Calls,
  { key, size, range, ranges, signal }: ObjectPart,
  position: number,
): Promise<{ readonly start: number; readonly body: Readable }> {
  const whole = !ranges || (position === 0 && range.end === size)
  const wanted = whole ? {} : { Range: `bytes=${position}-${range.end - 1}` }
  const { Body, ContentRange } = await calls.call(
    'read an object',
    (client, Bucket, options) => client.send(new GetObjectCommand({ Bucket, Key: key, ...wanted }), options),
    { signal },
  )
  // The SDK's type covers browsers too; in Node it is the response itself.
  const body = answered('a body', Body) as unknown as Readable
  const start = Number(/^bytes (\d+)-/.exec(ContentRange ?? '')?.[1] ?? 0)
  if (start <= position) return { start, body }
  body.destroy()
  throw new ArtifactError(
    'backend-unavailable',
    `the S3 store was asked for the object ${key} from byte ${position} and answered from byte ${start}; have it examined again`,
    { details: { key, position, start } },
  )
}

function brokenOff(calls: S3Calls, { key, range }: ObjectPart, position: number, cause: unknown): ArtifactError {
  if (cause !== undefined) return s3Error('read an object', calls.address, cause)
  return new ArtifactError(
    'backend-unavailable',
    `the S3 store ends the object ${key} again and again at byte ${position} of ${range.end}; check the object, or upload the file again`,
    { details: { key, position, end: range.end } },
  )
}
