import { ArtifactStoreClient, type RetryNotice } from '@artifact-store/client'
import { findConnection } from './config.ts'
import type { Output } from './output.ts'

/** What every command is given. */
export interface Session {
  readonly client: ArtifactStoreClient
  readonly output: Output
  /** Aborts on Ctrl-C, and when nobody reads the output any more. */
  readonly signal: AbortSignal
  /** Results as JSON instead of for a person. */
  readonly json: boolean
}

/** The options that every command takes. */
export interface GlobalOptions {
  readonly url?: string
  readonly token?: string
  readonly json?: boolean
}

/** The same trouble is told again after so long, in milliseconds: thirty transfers at once meet it thirty times. */
const tellAgainMs = 10_000

export function openSession(options: GlobalOptions, output: Output, signal: AbortSignal): Session & Disposable {
  const client = new ArtifactStoreClient({ ...findConnection(options), onRetry: tellRetries(output) })
  return { client, output, signal, json: options.json ?? false, [Symbol.dispose]: () => client[Symbol.dispose]() }
}

function tellRetries(output: Output): (notice: RetryNotice) => void {
  let told: { message: string; at: number } | undefined
  return ({ error, delayMs }) => {
    const now = performance.now()
    // What passes within a second is not worth a word.
    if (delayMs < 1000 || (told?.message === error.message && now - told.at < tellAgainMs)) return
    told = { message: error.message, at: now }
    output.note(`${error.message} Trying again …`)
  }
}
