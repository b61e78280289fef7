import type { Checks } from './checks.ts'
import { must, until } from './checks.ts'
import { artifact } from './cli.ts'
import { Deployment } from './deployment.ts'
import { memory } from './figures.ts'
import { follow } from './follower.ts'
import { Load } from './load.ts'

/** With infra/compose/scale.yml: every part several times, of which one after the other is killed. */
export async function scaled(checks: Checks): Promise<void> {
  await using deployment = await Deployment.prepare('artifact-store-test-scale', ['infra/compose/scale.yml'])
  await checks.that('every part is up several times, and healthy', async () => {
    await deployment.compose('--profile', 'tools', 'build')
    await deployment.up()
    await memory(deployment, 'of all parts when nothing happens')
  })
  const token = await deployment.token()
  const load = new Load(deployment.url, token)
  await using follower = await follow(deployment, token)
  await checks.that('a commit is on both databases before it is acknowledged', async () => {
    const state = await deployment.compose('exec', '-T', 'postgres', 'psql', '-Atc', 'select sync_state from pg_stat_replication')
    must(state.trim() === 'sync', `the standby is ${state}`)
  })
  await checks.that('a second container follows over the cluster of NATS', async () => {
    await follower.isOnNats()
  })

  load.start(3)
  const victims: readonly (readonly [string, () => Promise<string>])[] = [
    ['a gateway', async () => 'gateway'],
    ['the log-writer that is asked first', async () => 'log-writer'],
    ['the projector that moves the views', () => leader(deployment, ['projector', 'projector-standby'])],
    ['a server of NATS', async () => 'nats'],
  ]
  for (const [what, find] of victims) {
    await checks.that(`${what} is killed under load, and clients see at most what they try again`, async () => {
      await load.goesOn()
      await deployment.crash(await find())
      await load.goesOn()
    })
  }
  await load.stop()
  await checks.that('all that was acknowledged is there, and views equal a replay', async () => {
    load.mustNotHaveFailed()
    await load.verify()
    await artifact({ url: deployment.url, token }, 'admin', 'check')
  })
  process.stdout.write(`    ${load.tells}\n`)
}

/** Which of the projectors does not stand by. */
async function leader(deployment: Deployment, services: readonly string[]): Promise<string> {
  return until('one leads', async () => {
    for (const service of services) {
      const { body } = await deployment.ask(service, 'http://127.0.0.1:8082/metrics')
      if (/artifact_store_leading\{[^}]*work="projection"[^}]*\} 1/.test(body)) return service
    }
    return undefined
  })
}
