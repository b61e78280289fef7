import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { must, until } from './checks.ts'
import { type Deployment, repository } from './deployment.ts'
import { docker } from './docker.ts'

/** A second container that follows the events of a deployment from the first one on. */
export interface Follower extends AsyncDisposable {
  /** Resolves when it has had that event. @throws Error when one was left out, came twice or out of order, or when it has ended. */
  reaches(sequence: number): Promise<void>
  /** Resolves when events come over NATS. */
  isOnNats(): Promise<void>
}

export async function follow(deployment: Deployment, token: string): Promise<Follower> {
  const script = `${join(repository, 'infra', 'compose-test', 'follow.ts')}:/app/packages/cli/src/follow.ts:ro`
  const name = `follower-${process.pid}-${Date.now()}`
  const options = ['--rm', '-T', '--name', name, '--volume', script, '--env', 'ARTIFACT_STORE_TOKEN', '--entrypoint', 'node']
  const { args, env } = deployment.command('run', ...options, 'artifact', '/app/packages/cli/src/follow.ts')
  const child = spawn('docker', [...args], {
    env: { ...process.env, ...env, ARTIFACT_STORE_TOKEN: token },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [last, source, complaint] = [0, '', '']
  let wrong: string | undefined
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000)
  })
  createInterface({ input: child.stdout }).on('line', line => {
    const told = JSON.parse(line) as { sequence?: number; source?: string }
    source = told.source ?? source
    if (told.sequence === undefined) return
    if (told.sequence !== last + 1) wrong ??= `event ${told.sequence} came behind event ${last}`
    last = told.sequence
  })
  const sound = () => {
    must(wrong === undefined, wrong ?? '')
    must(child.exitCode === null, `the follower has ended with ${child.exitCode}: ${complaint}`)
  }
  return {
    async reaches(sequence) {
      await until(
        `the follower has event ${sequence}; it has ${last}`,
        async () => wrong !== undefined || child.exitCode !== null || last >= sequence,
      )
      sound()
    },
    async isOnNats() {
      await until('the follower follows over NATS', async () => child.exitCode !== null || source === 'nats')
      sound()
    },
    async [Symbol.asyncDispose]() {
      await docker(['rm', '--force', name]).catch(() => undefined)
      child.kill()
    },
  }
}
