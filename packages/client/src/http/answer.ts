import type { Readable } from 'node:stream'
import { ArtifactError } from '@artifact-store/core'
import type { z } from 'zod'
import type { Call } from './call.ts'
import { errorFromAnswer, errorFromStatus } from './problem.ts'
import { isRetryableStatus, parseRetryAfter } from './retry.ts'
import type { TransportResponse } from './transport.ts'

export interface Refusal {
  readonly error: ArtifactError
  readonly retryable: boolean
  readonly retryAfterMs: number | undefined
}

/** An answer's JSON, parsed. @throws ArtifactError `internal` when it is not what the schema says. */
export async function readJson<Schema extends z.ZodType>(
  call: Call,
  response: TransportResponse,
  schema: Schema,
): Promise<z.output<Schema>> {
  const text = await readText(response.body)
  const parsed = schema.safeParse(parseJson(text))
  if (!parsed.success) throw unexpectedAnswer(call, response, text, parsed.error)
  return parsed.data
}

/** A refused call: its error, and whether the same call may be answered differently later. */
export async function readRefusal(call: Call, response: TransportResponse): Promise<Refusal> {
  const { status, headers } = response
  const text = await readText(response.body)
  const named = `${call.method} ${call.path}`
  const error =
    call.method === 'HEAD'
      ? errorFromStatus(status, named)
      : errorFromAnswer({ status, contentType: headers.get('content-type'), text, call: named })
  // Bytes that are corrupt (502, for what lies behind the gateway) are so the next time as well.
  const retryable = isRetryableStatus(status) && error.kind !== 'blob-corrupt'
  return { error, retryable, retryAfterMs: parseRetryAfter(headers.get('retry-after'), Date.now()) }
}

async function readText(body: Readable): Promise<string> {
  return (await readAll(body)).toString()
}

/** Reads a body whole. @throws the error that broke the connection. */
export async function readAll(body: Readable): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of body as AsyncIterable<Uint8Array>) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function unexpectedAnswer(call: Call, response: TransportResponse, text: string, cause: Error): ArtifactError {
  return new ArtifactError(
    'internal',
    `the answer to ${call.method} ${call.path} is not what an artifact store answers: is the address right, and is this client as new as the store?`,
    { cause, details: { status: response.status, contentType: response.headers.get('content-type'), text: text.slice(0, 500) } },
  )
}
