import { ArtifactError } from '@artifact-store/core'

/** A failure of the connection itself, as a sentence, and whether another attempt can help. */
export interface ConnectionFailure {
  readonly error: ArtifactError
  readonly retryable: boolean
}

/**
 * Recognises the system's error of a connection that could not be made or that broke.
 * @returns undefined for every other error: that is for the caller to see as it is.
 */
export function connectionFailure(cause: unknown, url: string): ConnectionFailure | undefined {
  const code = codeOf(cause)
  if (code === undefined) return undefined
  const origin = new URL(url).origin
  const host = new URL(url).hostname
  const failure = (retryable: boolean, message: string): ConnectionFailure => ({
    retryable,
    error: new ArtifactError('backend-unavailable', message, { cause, details: { url, code } }),
  })
  switch (code) {
    case 'ECONNREFUSED':
      return failure(true, `nothing answers at ${origin}: is the artifact store running there, and is the address right?`)
    case 'ENOTFOUND':
      return failure(false, `the host "${host}" of ${origin} cannot be found: check the address`)
    case 'EAI_AGAIN':
      return failure(true, `the host "${host}" of ${origin} cannot be looked up just now: check the network and the address`)
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return failure(true, `${origin} cannot be reached from here: check the network and the address`)
    case 'ETIMEDOUT':
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'UND_ERR_HEADERS_TIMEOUT':
    case 'UND_ERR_BODY_TIMEOUT':
      return failure(true, `${origin} did not answer in time: is it overloaded, or is something between here and there silent?`)
    case 'ECONNRESET':
    case 'ECONNABORTED':
    case 'EPIPE':
    case 'ERR_STREAM_PREMATURE_CLOSE':
    case 'UND_ERR_SOCKET':
      return failure(
        true,
        `the connection to ${origin} broke off: was the artifact store stopped, or something between here and there?`,
      )
    default:
      if (/CERT|SELF_SIGNED|UNABLE_TO_VERIFY/.test(code)) {
        return failure(
          false,
          `the certificate of ${origin} is not trusted here (${code}): give Node the right authority in NODE_EXTRA_CA_CERTS`,
        )
      }
      if (/^HPE_|^EPROTO$|^ERR_SSL/.test(code)) {
        return failure(
          false,
          `what answers at ${origin} does not speak this protocol (${code}): check http or https, and the port`,
        )
      }
      return undefined
  }
}

/** The code of the error, or of what it wraps: `fetch` hides the system's error as a cause. */
function codeOf(error: unknown): string | undefined {
  // What is an ArtifactError has been judged already, whatever caused it.
  if (!(error instanceof Error) || error instanceof ArtifactError) return undefined
  if ('code' in error && typeof error.code === 'string') return error.code
  return codeOf(error.cause)
}
