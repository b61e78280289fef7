import { ArtifactStoreClient } from '@artifact-store/client'
import { findConnection } from './config.ts'
import type { Output } from './output.ts'
import { formatSeconds } from './sizes.ts'

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

export function openSession(options: GlobalOptions, output: Output, signal: AbortSignal): Session & Disposable {
  const client = new ArtifactStoreClient({
    ...findConnection(options),
    onRetry: ({ error, delayMs }) => {
      // What passes within a second is not worth a word.
      if (delayMs >= 1000) output.note(`${error.message} Trying again in ${formatSeconds(delayMs / 1000)} …`)
    },
  })
  return { client, output, signal, json: options.json ?? false, [Symbol.dispose]: () => client[Symbol.dispose]() }
}
