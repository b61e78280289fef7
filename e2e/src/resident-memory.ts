import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'

export interface MemoryWatch extends AsyncDisposable {
  /** The most that was ever resident, in bytes. */
  peak(): Promise<number>
}

/** Watches the resident memory of a process. Linux remembers the peak since the process began; elsewhere it is sampled from now on. */
export function watchMemory(pid: number): MemoryWatch {
  if (process.platform === 'linux') return { peak: () => highWaterMark(pid), [Symbol.asyncDispose]: async () => undefined }
  const stop = new AbortController()
  let most = 0
  const sampling = (async () => {
    for (;;) {
      const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(pid)], { signal: stop.signal })
      most = Math.max(most, Number(stdout) * 1024)
      await sleep(50, undefined, { signal: stop.signal })
    }
  })().catch(() => undefined)
  return {
    peak: async () => most,
    async [Symbol.asyncDispose]() {
      stop.abort()
      await sampling
    },
  }
}

async function highWaterMark(pid: number): Promise<number> {
  const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/status`, 'utf8')) ?? []
  if (kib === undefined) throw new Error(`process ${pid} does not say what its peak was`)
  return Number(kib) * 1024
}
