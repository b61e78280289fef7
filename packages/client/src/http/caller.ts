import { type ArtifactError, isArtifactError } from '@artifact-store/core'
import type { z } from 'zod'
import { readAll, readJson, readRefusal } from './answer.ts'
import { addressOf, type Call } from './call.ts'
import { connectionFailure } from './connection-failure.ts'
import { fetchElsewhere, preferRedirect } from './elsewhere.ts'
import { LateRefusal, readLines } from './lines.ts'
import { pause, type RetryPolicy, retryDelay } from './retry.ts'
import type { Transport, TransportResponse } from './transport.ts'

/** That a call failed and will be tried again. */
export interface RetryNotice {
  readonly error: ArtifactError
  readonly delayMs: number
  /** How many attempts have failed so far. */
  readonly failures: number
}

export interface CallerOptions {
  readonly url: string
  readonly token: string
  readonly transport: Transport
  readonly retry: RetryPolicy
  readonly idleTimeoutMs: number
  readonly onRetry: ((notice: RetryNotice) => void) | undefined
}

type Outcome<T> =
  | { value: T }
  | { error: ArtifactError; retryable: boolean; contacted: boolean; retryAfterMs?: number | undefined }

/**
 * Makes calls: adds the token, retries what may be retried, turns refusals into `ArtifactError`, parses answers. It carries the highest
 * position that its writes were answered with into every read, so that one client always reads its own writes, whichever gateway answers.
 */
export class Caller {
  readonly #options: CallerOptions
  #contacted = false
  #position = 0

  constructor(options: CallerOptions) {
    this.#options = options
  }

  /** The answer's JSON, parsed. @throws ArtifactError the refusal's kind; `backend-unavailable` when nothing answers. */
  async json<Schema extends z.ZodType>(call: Call, schema: Schema): Promise<z.output<Schema>> {
    return (await this.jsonWithHeaders(call, schema)).value
  }

  async jsonWithHeaders<Schema extends z.ZodType>(
    call: Call,
    schema: Schema,
  ): Promise<{ value: z.output<Schema>; headers: Headers }> {
    return this.#attempt(call, async response => {
      return { value: await readJson(call, response, schema), headers: response.headers }
    })
  }

  /** The lines of an answer that has one for each thing that was asked for. @throws what the last of them says. */
  async lines(call: Call): Promise<readonly unknown[]> {
    const { lines, position = 0 } = await this.#attempt(call, readLines)
    this.#position = Math.max(this.#position, position)
    return lines
  }

  /** The answer's bytes, whole: for what is known to be small enough. */
  async bytes(call: Call): Promise<Uint8Array> {
    return this.#attempt(call, response => readAll(response.body))
  }

  /** The head of what `GET` would answer; undefined when that is not there. */
  async head(call: Pick<Call, 'path' | 'signal'>): Promise<TransportResponse | undefined> {
    try {
      return await this.#attempt({ ...call, method: 'HEAD' }, async response => {
        await readAll(response.body)
        return response
      })
    } catch (error) {
      const { status } = isArtifactError(error) ? error.details : {}
      if (status === 404) return undefined
      throw error
    }
  }

  /** For answers whose body does not matter. @returns the status. */
  async nothing(call: Call): Promise<number> {
    return this.#attempt(call, async response => {
      await readAll(response.body)
      return response.status
    })
  }

  /** The answer with its body as a stream, for the caller to read or to destroy. Only getting it is retried, not reading it. */
  async stream(call: Call): Promise<TransportResponse> {
    return this.#attempt(call, async response => response)
  }

  /** The same, from where the store says that the bytes lie, if it does: whoever reads them there has to prove them. */
  async streamFromAnywhere(call: Call): Promise<{ response: TransportResponse; isElsewhere: boolean }> {
    const response = await this.#attempt({ ...call, headers: { ...call.headers, ...preferRedirect } }, async answer => answer)
    if (response.status !== redirectStatus) return { response, isElsewhere: false }
    const found = await fetchElsewhere(call, response, {
      transport: this.#options.transport,
      asked: addressOf(this.#options.url, call),
      idleTimeoutMs: call.idleTimeoutMs ?? this.#options.idleTimeoutMs,
    })
    return found ? { response: found, isElsewhere: true } : { response: await this.stream(call), isElsewhere: false }
  }

  /** One attempt, whatever it is answered with: for who looks into what answers. @throws ArtifactError `backend-unavailable` when nothing does. */
  async look(call: Call): Promise<TransportResponse> {
    const url = addressOf(this.#options.url, call)
    try {
      return await this.#options.transport.send({
        method: call.method,
        url,
        headers: this.#headers(call, undefined),
        signal: call.signal,
        idleTimeoutMs: call.idleTimeoutMs ?? this.#options.idleTimeoutMs,
      })
    } catch (error) {
      call.signal?.throwIfAborted()
      throw connectionFailure(error, url)?.error ?? error
    }
  }

  /** The sentence for an error that broke a stream; undefined when it was not the connection. */
  connectionFailure(error: unknown): ArtifactError | undefined {
    return connectionFailure(error, this.#options.url)?.error
  }

  async #attempt<T>(call: Call, read: (response: TransportResponse) => Promise<T>): Promise<T> {
    const policy = call.retry ?? this.#options.retry
    for (let failures = 1; ; failures++) {
      call.onAttempt?.(failures)
      const outcome = await this.#once(call, read)
      this.#contacted ||= !('error' in outcome) || outcome.contacted
      if (!('error' in outcome)) return outcome.value
      const { error, retryable, retryAfterMs } = outcome
      if (!retryable || policy === 'never') throw error
      const delayMs = retryDelay(policy, failures, { contacted: this.#contacted, retryAfterMs })
      if (delayMs === undefined) throw error
      this.#options.onRetry?.({ error, delayMs, failures })
      await pause(delayMs, call.signal)
    }
  }

  async #once<T>(call: Call, read: (response: TransportResponse) => Promise<T>): Promise<Outcome<T>> {
    const url = addressOf(this.#options.url, call)
    const json = call.json === undefined ? undefined : JSON.stringify(call.json)
    try {
      const response = await this.#options.transport.send({
        method: call.method,
        url,
        headers: this.#headers(call, json),
        body: json ?? call.body,
        size: call.size,
        signal: call.signal,
        idleTimeoutMs: call.idleTimeoutMs ?? this.#options.idleTimeoutMs,
      })
      this.#notePosition(call, response.headers)
      if (isAnswer(call, response.status)) return { value: await read(response) }
      return { ...(await readRefusal(call, response)), contacted: true }
    } catch (error) {
      call.signal?.throwIfAborted()
      if (error instanceof LateRefusal) return { ...error.refusal, contacted: true }
      const failure = connectionFailure(error, url)
      if (!failure) throw error
      return { ...failure, contacted: false }
    }
  }

  #headers(call: Call, json: string | undefined): Record<string, string> {
    const headers: Record<string, string> = {
      accept: 'application/json',
      ...call.headers,
      authorization: `Bearer ${this.#options.token}`,
    }
    if (json !== undefined) {
      headers['content-type'] = 'application/json'
      headers['content-length'] = String(Buffer.byteLength(json))
    }
    if (call.size !== undefined) headers['content-length'] = String(call.size)
    if (this.#position > 0 && (call.method === 'GET' || call.method === 'HEAD'))
      headers['artifact-min-position'] = String(this.#position)
    return headers
  }

  #notePosition(call: Call, headers: Headers): void {
    const position = Number(headers.get('artifact-position') ?? 0)
    // Of reads, only events answer a position, which says how far was read and not what was written.
    if (call.method !== 'GET' && call.method !== 'HEAD' && Number.isSafeInteger(position))
      this.#position = Math.max(this.#position, position)
  }
}

const redirectStatus = 307

function isAnswer(call: Call, status: number): boolean {
  return status < 300 || status === 304 || (status === redirectStatus && call.headers?.['prefer'] === preferRedirect.prefer)
}
