import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'

/** A daemon that was started in the foreground. */
export interface CephProcess {
  /** @throws Error with what it wrote last, once it has ended by itself. */
  assertRunning(): void
  kill(): Promise<void>
}

/** Runs a program to its end. @returns what it wrote. @throws Error with what it complained of */
export async function runProgram(program: string, args: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(program, [...args], { encoding: 'utf8' })
  return stdout
}

export function startDaemon(program: string, args: readonly string[]): CephProcess {
  // The kernel ends it when this process ends, however it does (util-linux).
  const child = spawn('setpriv', ['--pdeathsig', 'KILL', program, ...args, '-f'], { stdio: ['ignore', 'pipe', 'pipe'] })
  const closed = once(child, 'close')
  let last = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      last = (last + text).slice(-4000)
    })
  }
  const ended = () => child.exitCode !== null || child.signalCode !== null
  return {
    assertRunning() {
      if (ended()) throw new Error(`${program} ended with ${child.exitCode ?? child.signalCode}:\n${last}`)
    },
    async kill() {
      if (!ended()) child.kill('SIGKILL')
      await closed
    },
  }
}

/** Asks again and again until it is so. @throws Error after a minute, or when the daemon has ended. */
export async function untilSo(what: string, daemon: CephProcess, ask: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; ; ) {
    daemon.assertRunning()
    if (await ask().catch(() => false)) return
    if (Date.now() > deadline) throw new Error(`${what} did not come about within a minute`)
    await delay(100)
  }
}
