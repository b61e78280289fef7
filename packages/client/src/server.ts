import { isArtifactError } from '@artifact-store/core'
import { z } from 'zod'
import type { Caller } from './http/caller.ts'
import type { CallOptions } from './wire.ts'

/** The gateway itself. */
export class Server {
  readonly #caller: Caller

  constructor(caller: Caller) {
    this.#caller = caller
  }

  /** Whether it can do its work at this moment; false also when nothing answers. Asks once. */
  async isReady(options: CallOptions = {}): Promise<boolean> {
    try {
      await this.#caller.nothing({ method: 'GET', path: '/health/ready', signal: options.signal, retry: 'never' })
      return true
    } catch (error) {
      if (isArtifactError(error)) return false
      throw error
    }
  }

  /** The OpenAPI document that describes every call. */
  async openapi(options: CallOptions = {}): Promise<Record<string, unknown>> {
    return this.#caller.json({ method: 'GET', path: '/openapi.json', signal: options.signal }, z.record(z.string(), z.unknown()))
  }

  /** The AsyncAPI document that describes every event. */
  async asyncapi(options: CallOptions = {}): Promise<Record<string, unknown>> {
    return this.#caller.json({ method: 'GET', path: '/asyncapi.json', signal: options.signal }, z.record(z.string(), z.unknown()))
  }
}
