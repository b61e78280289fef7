import process from 'node:process'
import { run, Stopped } from './run.ts'

const stop = new AbortController()
const exitCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const

for (const [signal, exitCode] of Object.entries(exitCodes)) {
  process.on(signal, () => {
    // Whoever asks twice does not want to wait for a clean end.
    if (stop.signal.aborted) process.exit(exitCode)
    stop.abort(new Stopped(signal, exitCode))
  })
}
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: Error & { code?: string }) => {
    // The reader has seen enough (`| head`), which is no failure.
    if (error.code !== 'EPIPE') throw error
    stop.abort(new Stopped('EPIPE', 0))
  })
}

process.exitCode = await run(process.argv.slice(2), { stdout: process.stdout, stderr: process.stderr, signal: stop.signal })
