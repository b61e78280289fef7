import { z } from 'zod'
import { commandLine, eventually, signalProcess } from './process-table.ts'
import { parseJson, readSmallFile, writeSmallFile } from './small-file.ts'

const schema = z.record(z.string(), z.int().positive())

/** Remembers which processes run for a data directory, so that the next start can wait for those that a killed supervisor left. */
export interface ProcessRecord {
  /** Notes a process under its script; what cannot be written is only said, since nothing but patience hangs on it. */
  note(script: string, pid: number): void
  /** Resolves when all that was noted is written. */
  settled(): Promise<void>
}

export function openProcessRecord(file: string, say: (line: string) => void): ProcessRecord {
  const pids: Record<string, number> = {}
  let writing = Promise.resolve()
  return {
    note: (script, pid) => {
      pids[script] = pid
      const text = JSON.stringify(pids)
      writing = writing
        .then(() => writeSmallFile(file, text))
        .catch(error => say(`${file} could not be written: ${error instanceof Error ? error.message : String(error)}`))
    },
    settled: () => writing,
  }
}

/** How long a service whose supervisor is gone may take to end by itself (ms). */
const patience = 10_000

/** Waits for the services of a killed supervisor, which stop by themselves when it is gone, and kills what does not. */
export async function endLeftoverServices(file: string, say: (line: string) => void, signal: AbortSignal): Promise<void> {
  for (const [script, pid] of Object.entries(await readRecord(file))) {
    const isThere = async () => (await commandLine(pid))?.includes(script) ?? false
    if (!(await isThere())) continue
    say(`waiting for process ${pid} of an earlier run to end (${script})`)
    if (await eventually(async () => !(await isThere()), patience, signal)) continue
    say(`killing process ${pid} of an earlier run, which does not end`)
    signalProcess(pid, 'SIGKILL')
    await eventually(async () => !(await isThere()), patience, signal)
  }
}

async function readRecord(file: string): Promise<Record<string, number>> {
  const parsed = schema.safeParse(parseJson((await readSmallFile(file)) ?? '{}'))
  return parsed.success ? parsed.data : {}
}
