import { isArtifactError } from '@artifact-store/core'
import { readConfig } from './config.ts'
import { stopSignals } from './stop-signals.ts'
import { runEmbedded } from './supervisor.ts'

const usage = `npm start: runs artifact-store with a private PostgreSQL until Ctrl-C. It is set by the environment:
  ARTIFACT_STORE_DATA       where everything is kept (./data of the repository)
  ARTIFACT_STORE_HOST       the address to listen on (127.0.0.1)
  ARTIFACT_STORE_PORT       the port to listen on (8080); 0 takes a free one
  ARTIFACT_STORE_TOKEN      the first admin token (made and kept in the data directory)
  ARTIFACT_STORE_NATS       off: use no NATS server
  ARTIFACT_STORE_NATS_PORT  the port of the NATS server that is started (a free one, kept)
  NATS_URL                  a NATS server of your own, to be used instead
  LOG_LEVEL                 fatal, error, warn, info, debug, trace or silent (info)
`

/**
 * `npm start`: runs the system until a signal and returns the exit code. What goes wrong is one sentence on stderr and code 1;
 * only what nobody foresaw is thrown, with its stack.
 */
export async function main(args: readonly string[]): Promise<number> {
  // A reader that is gone (a closed terminal, `| head`) must not stop the store.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  if (args.length > 0) return explain(args[0] ?? '')
  try {
    using signals = stopSignals()
    const out = (line: string) => void process.stdout.write(`${line}\n`)
    await runEmbedded(readConfig(), { signal: signals.stop, kill: signals.kill, out })
    // As a shell tells of a program that Ctrl-C broke off.
    return signals.kill.aborted ? 130 : 0
  } catch (error) {
    if (!isArtifactError(error)) throw error
    process.stderr.write(`artifact-store: ${error.message}\n`)
    return 1
  }
}

function explain(argument: string): number {
  if (argument === '--help' || argument === '-h') {
    process.stdout.write(usage)
    return 0
  }
  process.stderr.write(`artifact-store: npm start takes no arguments, and "${argument}" is one: see npm start -- --help\n`)
  return 1
}
