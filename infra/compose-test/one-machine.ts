import { join } from 'node:path'
import { ArtifactStoreClient } from '@artifact-store/client'
import { type Checks, must, until } from './checks.ts'
import { artifact, type Store } from './cli.ts'
import { Deployment } from './deployment.ts'
import { coldStart, imageSizes, memory } from './figures.ts'
import { follow } from './follower.ts'
import { Load } from './load.ts'
import { pushAndPull } from './push-and-pull.ts'

const parts = ['postgres', 'nats', 'log-writer', 'projector', 'gateway'] as const

/** docker-compose.yml as it stands: up, used, crashed part by part under load, down and up again. */
export async function oneMachine(checks: Checks): Promise<void> {
  await using deployment = await Deployment.prepare('artifact-store-test')
  await checks.that(
    'the images are built from the sources',
    async () => void (await deployment.compose('--profile', 'tools', 'build')),
  )
  await checks.that('each image adds no more than 80 MB to its base', imageSizes)
  await checks.that('all of it is up and healthy, with nothing but a copied .env.example', async () => {
    await deployment.up()
    await coldStart(deployment)
    await memory(deployment, 'when nothing happens')
  })
  const token = await deployment.token()
  const store = { url: deployment.url, token }
  await using follower = await follow(deployment, token)
  const load = new Load(deployment.url, token)
  const everythingIsFollowed = async () => follower.reaches(await lastSequence(store))

  await checks.that('a directory goes in and comes out through the published port', () =>
    pushAndPull(store, deployment.directory),
  )
  await checks.that('a second container has every event, over NATS, with the login of subscribers', async () => {
    await everythingIsFollowed()
    await follower.isOnNats()
  })
  await checks.that('containers can do nothing but their work', () => leastPrivilege(deployment))
  await checks.that('readiness names what is missing, and comes back with it', () => namesWhatIsMissing(deployment))

  load.start(3)
  for (const part of parts) {
    await checks.that(`${part} is killed under load, comes back, and nobody is told of more than a delay`, async () => {
      await load.goesOn()
      await deployment.crash(part)
      await load.goesOn()
      for (const service of parts) await deployment.healthy(service)
    })
  }
  await load.stop()
  await checks.that('all that was acknowledged is there, and was followed without a gap or a repeat', async () => {
    load.mustNotHaveFailed()
    await load.verify()
    await everythingIsFollowed()
  })
  await checks.that('the stream is a copy of the log', () => streamIsTheLog(deployment))
  await checks.that('it stops cleanly, and has all of it when it is up again', async () => {
    await deployment.down('keeping its data')
    await deployment.up()
    await load.verify()
    await artifact(store, 'admin', 'check')
  })
  await checks.that('a backup that is made while it serves comes back in an empty project', async () => {
    const backups = join(deployment.directory, 'backups')
    await deployment.script('infra/backup/backup.sh', backups)
    await using restored = await Deployment.prepare('artifact-store-test-restored')
    await restored.script('infra/backup/restore.sh', backups)
    await restored.up()
    await load.verify(restored.url)
    // The secrets are part of a backup, the first token among them.
    await artifact({ url: restored.url, token }, 'admin', 'check', '--bytes')
  })
  process.stdout.write(`    ${load.tells}\n`)
}

async function lastSequence(store: Store): Promise<number> {
  using client = new ArtifactStoreClient(store)
  let position = 0
  for (;;) {
    const page = await client.events.list({ after: position, limit: 1000 })
    if (page.events.length === 0) return position
    position = page.position
  }
}

async function leastPrivilege(deployment: Deployment): Promise<void> {
  for (const service of parts.filter(name => name !== 'nats')) {
    const look = await deployment.compose(
      'exec',
      '-T',
      service,
      'sh',
      '-c',
      'id -u; grep -E "CapEff|NoNewPrivs" /proc/1/status; touch /x 2>&1 || true',
    )
    must(!look.startsWith('0\n'), `${service} runs as root`)
    must(/CapEff:\s+0000000000000000/.test(look), `${service} has capabilities: ${look}`)
    must(/NoNewPrivs:\s+1/.test(look), `${service} may gain privileges`)
    must(look.includes('Read-only file system'), `${service} can write to its image: ${look}`)
  }
  const published = (await deployment.compose('ps', '--format', '{{.Service}} {{.Ports}}'))
    .split('\n')
    .filter(line => line.includes('->'))
  must(published.length === 1 && published[0]?.startsWith('gateway 127.0.0.1:') === true, `published is: ${published.join('; ')}`)
}

/** What depends on a part says so while it is away, and nobody else does. */
async function namesWhatIsMissing(deployment: Deployment): Promise<void> {
  const ready = async () => (await fetch(`${deployment.url}/health/ready`)).json() as Promise<Readiness>
  const says = (name: string, ok: boolean) =>
    until(`readiness says ${ok} of ${name}`, async () => (await ready()).checks[name]?.ok === ok)
  await deployment.compose('stop', 'log-writer')
  await says('log-writer', false)
  must((await ready()).checks['postgres']?.ok === true, 'the database is said to be missing, too')
  await until('the health check sees it', async () => (await deployment.state('gateway')).health === 'unhealthy')
  must((await deployment.state('gateway')).said.includes('log-writer'), 'the health log does not name what is missing')
  await deployment.compose('stop', 'nats')
  await deployment.start('log-writer')
  // Nobody but subscribers waits for the broker.
  await says('log-writer', true)
  await deployment.healthy('gateway')
  await relaySays(deployment, detail => !detail.startsWith('relaying'))
  await deployment.start('nats')
  await relaySays(deployment, detail => detail.startsWith('relaying'))
}

interface Readiness {
  readonly status: string
  readonly checks: Readonly<Record<string, { readonly ok: boolean; readonly detail?: string } | undefined>>
}

async function streamIsTheLog(deployment: Deployment): Promise<void> {
  await relaySays(deployment, detail => {
    const [, stream, log] = /^relaying: stream at (\d+), log at (\d+)/.exec(detail) ?? []
    return stream !== undefined && stream === log
  })
}

async function relaySays(deployment: Deployment, expected: (detail: string) => boolean): Promise<void> {
  await until('the relay is as it should be', async () => {
    const { body } = await deployment.ask('log-writer', 'http://127.0.0.1:8081/health/ready')
    return expected((JSON.parse(body) as Readiness).checks['relay']?.detail ?? '')
  })
}
