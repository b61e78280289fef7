import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'
import { currentRequest, logFields } from './request-context.ts'
import type { LogLevel } from './settings.ts'

export type Logger = PinoLogger

/**
 * A logger that writes one JSON object a line to standard output: `level` as a word, `time` in ISO 8601, `name`, `msg`, and
 * `requestId` where it was written for a request. What looks like a secret is replaced by `[redacted]`, at the top of the object and up
 * to two levels down.
 */
export function createLogger(options: { name: string; level: LogLevel; destination?: DestinationStream }): Logger {
  return pino(
    {
      level: options.level,
      base: { name: options.name },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: label => ({ level: label }) },
      mixin: () => {
        const request = currentRequest()
        return request ? logFields(request) : {}
      },
      redact: { paths: secretPaths, censor: '[redacted]' },
    },
    // Synchronous: the line that says why a process died must be out before it is gone.
    options.destination ?? pino.destination({ dest: 1, sync: true }),
  )
}

const secretNames = [
  'authorization',
  'Authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'tokens',
  'DATABASE_URL',
  'connectionString',
]
const secretPaths = secretNames.flatMap(name => [name, `*.${name}`, `*.*.${name}`])
