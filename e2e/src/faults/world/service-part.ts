import { spawn } from 'node:child_process'
import { createWriteStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { plainEnvironment } from '../../environment.ts'
import { type ListedProcess, listProcesses } from '../../processes.ts'
import { repository } from '../../repository.ts'
import { Part } from './part.ts'

export type ServiceName = 'gateway' | 'log-writer' | 'projector'

export interface ServicePartOptions {
  readonly service: ServiceName
  /** Its own name, of several. */
  readonly name: string
  /** Its settings; HOST and a free PORT are given. */
  readonly env: Readonly<Record<string, string>>
  /** Takes all that it says. */
  readonly logFile: string
  /** Told where it listens, whenever it does so anew. */
  readonly onListening: (port: number) => void
  readonly note: (what: string) => void
}

/** One of our services as a process of its own. */
export function servicePart({ service, name, env, logFile, onListening, note }: ServicePartOptions): Part {
  const script = join(repository, 'services', service, 'src', 'main.ts')
  let pid: number | undefined
  return new Part({
    name,
    note,
    async processes() {
      const listed = await listProcesses()
      return listed.filter((process): process is ListedProcess => process.pid === pid)
    },
    async start() {
      const child = spawn(process.execPath, [script], {
        // It ends with us, however we do: it listens for the end of its standard input.
        env: { ...plainEnvironment(), HOST: '127.0.0.1', PORT: '0', LOG_LEVEL: 'info', ARTIFACT_STORE_PARENT: 'stdin', ...env },
        stdio: ['pipe', 'pipe', 'pipe'],
        // A Ctrl-C is for us.
        detached: true,
      })
      child.stdin.on('error', () => {})
      pid = child.pid
      const log = createWriteStream(logFile, { flags: 'a' })
      for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on('line', line => {
          log.write(`${line}\n`)
          const port = /"port":(\d+),"msg":"listening"/.exec(line)?.[1]
          if (port) onListening(Number(port))
        })
      }
      return {
        exited: new Promise(resolve => {
          child.once('error', error => resolve({ code: null, signal: null, error }))
          child.once('close', (code, signal) => {
            pid = undefined
            log.end()
            resolve({ code, signal })
          })
        }),
      }
    },
  })
}
