import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { answerBucket } from './s3-lists.ts'
import { type Misbehaviour, misheard, send } from './s3-misdeeds.ts'
import { answerObject } from './s3-objects.ts'
import type { S3Quirks } from './s3-quirks.ts'
import { S3Refusal } from './s3-refusal.ts'
import { type S3Answer, type S3Request, xmlAnswer } from './s3-request.ts'
import { checkSignature, type S3Credentials } from './s3-signature.ts'
import { S3State } from './s3-state.ts'
import { answerUpload } from './s3-uploads.ts'

export interface S3ServerOptions {
  readonly quirks?: S3Quirks | undefined
  /** Bytes that every part of an upload but the last must have; 5 MiB, as with AWS, when absent. */
  readonly leastPart?: number | undefined
}

/** A small server of the S3 protocol, in memory, with one bucket: path-style addresses, Signature Version 4. */
export interface S3TestServer extends AsyncDisposable {
  /** `http://127.0.0.1:…` */
  readonly endpoint: string
  readonly bucket: string
  readonly credentials: S3Credentials
  readonly state: S3State
  /** What it does wrong from now on, request by request; undefined: nothing. */
  misbehave(misbehaviour: Misbehaviour | undefined): void
  /** The bucket's name in requests from now on, as if it were removed or renamed. */
  rename(bucket: string): void
  /** The address of a store in its bucket. */
  address(prefix: string): string
}

const mebibyte = 1024 * 1024

export async function startS3Server({ quirks = {}, leastPart = 5 * mebibyte }: S3ServerOptions = {}): Promise<S3TestServer> {
  const credentials = { accessKeyId: 'test-access-key', secretAccessKey: 'test-secret-key' }
  const state = new S3State(quirks.listsLateByMs ?? 0)
  let bucket = 'artifacts'
  let misbehaviour: Misbehaviour | undefined

  const answerTo = (request: S3Request, inBucket: string): S3Answer => {
    try {
      checkSignature(request, credentials)
      if (inBucket !== bucket) throw new S3Refusal(404, 'NoSuchBucket')
      if (request.key === '') return answerBucket(request, state)
      if (request.query.has('uploads') || request.query.has('uploadId')) return answerUpload(request, state, quirks, leastPart)
      return answerObject(request, state, quirks)
    } catch (error) {
      if (error instanceof S3Refusal) return refusal(request, error)
      throw error
    }
  }
  const server = createServer(async (incoming, outgoing) => {
    const { request, inBucket } = await readRequest(incoming)
    const misdeed = misbehaviour?.(request)
    if (misdeed?.kind === 'refuse') return send(outgoing, refusal(request, new S3Refusal(misdeed.status, 'SlowDown')), undefined)
    if (misdeed?.kind === 'hang-up') return void outgoing.destroy()
    send(outgoing, answerTo(misheard(request, misdeed), inBucket), misdeed)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const endpoint = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  const first = bucket
  return {
    endpoint,
    bucket: first,
    credentials,
    state,
    misbehave(next) {
      misbehaviour = next
    },
    rename(name) {
      bucket = name
    },
    address: prefix => `s3://${first}/${prefix}?endpoint=${endpoint}&pathStyle=true`,
    async [Symbol.asyncDispose]() {
      const closed = once(server, 'close')
      server.close()
      server.closeAllConnections()
      await closed
    },
  }
}

async function readRequest(incoming: IncomingMessage): Promise<{ request: S3Request; inBucket: string }> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk)
  const url = new URL(incoming.url ?? '/', 'http://server')
  const rawPath = (incoming.url ?? '/').split('?')[0] ?? '/'
  const [, inBucket = '', ...rest] = decodeURIComponent(rawPath).split('/')
  const headers = Object.fromEntries(
    Object.entries(incoming.headers).map(([name, value]) => [name, Array.isArray(value) ? value.join(',') : value]),
  )
  const key = rest.join('/')
  return {
    request: { method: incoming.method ?? 'GET', rawPath, key, query: url.searchParams, headers, body: Buffer.concat(chunks) },
    inBucket,
  }
}

function refusal(request: S3Request, { status, code }: S3Refusal): S3Answer {
  const { headers, body } = xmlAnswer(status, 'Error', { Code: code, Message: 'see the code', Key: request.key })
  return { status, headers, body: request.method === 'HEAD' ? Buffer.alloc(0) : body }
}
