import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** A server as a process of its own, that is ended when it is disposed of. */
export interface Child extends AsyncDisposable {
  readonly pid: number
}

/** Starts it, and returns when it takes connections at the port. @throws Error with what it said when it does not within 30 s. */
export async function startChild(
  program: string,
  args: readonly string[],
  port: number,
  env: Readonly<Record<string, string>> = {},
): Promise<Child> {
  const child = spawn(program, args, {
    env: { ...env, PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: string[] = []
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => void said.push(text))
  const stop = () => end(child)
  try {
    await listening(port, child, said)
  } catch (error) {
    await stop()
    throw error
  }
  return { pid: child.pid ?? 0, [Symbol.asyncDispose]: stop }
}

/** Where a program of the system is; undefined when it is not installed. */
export function programAt(...paths: readonly string[]): string | undefined {
  return paths.find(path => existsSync(path))
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  await once(child, 'exit')
}

async function listening(port: number, child: ChildProcess, said: readonly string[]): Promise<void> {
  for (let tries = 0; tries < 300; tries += 1) {
    if (child.exitCode !== null) break
    const socket = connect({ port, host: '127.0.0.1' })
    const open = await Promise.race([once(socket, 'connect').then(() => true), once(socket, 'close').then(() => false)]).catch(
      () => false,
    )
    socket.destroy()
    if (open) return
    await delay(100)
  }
  throw new Error(`${child.spawnfile} does not listen on port ${port}: ${said.join('').slice(-2000)}`)
}
