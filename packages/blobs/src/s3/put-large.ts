import type { Abortable } from '../blob-store.ts'
import type { S3Calls } from './calls.ts'
import {
  abortMultipart,
  beginMultipart,
  completeMultipart,
  multipartUploads,
  type UploadedPart,
  uploadPart,
} from './multipart.ts'
import type { Part } from './parts.ts'

export interface LargePut extends Abortable {
  /** Called when the last part was read and before the object is made: what it throws comes out, and nothing is kept. */
  readonly beforeCompletion?: (() => void) | undefined
  /** Called once a part could not be sent, so that whoever makes the parts may stop. */
  readonly onFailure: (error: unknown) => void
}

/** Puts the parts as a multipart upload, several on their way at once, and makes one object of them. @returns its size. */
export async function putLarge(calls: S3Calls, key: string, parts: AsyncIterable<Part>, options: LargePut): Promise<number> {
  const { signal, beforeCompletion, onFailure } = options
  const { upload, stray } = await beginMultipart(calls, key, { signal })
  const sending = new Set<Promise<void>>()
  const stopped = new AbortController()
  const both = signal === undefined ? stopped.signal : AbortSignal.any([signal, stopped.signal])
  const sent: UploadedPart[] = []
  const send = async ({ number, bytes, release }: Part) => {
    try {
      sent[number - 1] = await uploadPart(calls, upload, number, bytes, { signal: both })
    } catch (error) {
      onFailure(error)
      stopped.abort(error)
    } finally {
      release()
    }
  }
  try {
    for await (const part of parts) {
      const done = send(part)
      sending.add(done)
      void done.then(() => sending.delete(done))
    }
    beforeCompletion?.()
    await Promise.all(sending)
    both.throwIfAborted()
    await completeMultipart(calls, upload, sent, { signal })
    if (stray) await abortStrays(calls, key)
    return sent.reduce((sum, { size }) => sum + size, 0)
  } catch (error) {
    stopped.abort(error)
    await Promise.all(sending)
    // What cannot be given up now is collected later; the first error is the one that counts.
    await abortMultipart(calls, upload, { signal: AbortSignal.timeout(5000) }).catch(() => undefined)
    if (stray) await abortStrays(calls, key)
    throw error
  }
}

async function abortStrays(calls: S3Calls, key: string): Promise<void> {
  const signal = AbortSignal.timeout(5000)
  try {
    for await (const upload of multipartUploads(calls, key, { signal })) await abortMultipart(calls, upload, { signal })
  } catch {
    // They are collected later.
  }
}
