import { randomUUID } from 'node:crypto'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort } from '@artifact-store/embedded'
import { cephConfiguration } from './ceph-configuration.ts'
import { runProgram, startDaemon, untilSo } from './ceph-process.ts'

/** A real Ceph gateway of its own, in memory. */
export interface CephGateway extends AsyncDisposable {
  /** `http://127.0.0.1:…` */
  readonly endpoint: string
  /** Its S3 user. */
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** What the gateway says of its version. */
  readonly version: string
}

/** Starts a monitor, a store in memory and a gateway; disposing kills them and removes their directory. */
export async function startCeph(): Promise<CephGateway> {
  await using stack = new AsyncDisposableStack()
  const directory = await mkdtemp(join(tmpdir(), 'artifact-store-ceph-'))
  stack.defer(() => rm(directory, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }))
  const [monitorPort, gatewayPort] = [await freePort(), await freePort()]
  const [cluster, osd] = [randomUUID(), randomUUID()]
  const file = (name: string) => join(directory, name)
  const configuration = ['-c', file('ceph.conf')]
  await writeFile(file('ceph.conf'), cephConfiguration({ directory, monitorPort, gatewayPort, cluster }))
  await mkdir(file('mon'))
  await mkdir(file('osd'))
  await makeKeys(file('keyring'))

  const address = `[v1:127.0.0.1:${monitorPort}]`
  await runProgram('monmaptool', ['--create', '--fsid', cluster, '--addv', 'a', address, file('monmap')])
  await runProgram('ceph-mon', [...configuration, '--mkfs', '-i', 'a', '--monmap', file('monmap'), '--keyring', file('keyring')])
  const monitor = startDaemon('ceph-mon', [...configuration, '-i', 'a'])
  stack.defer(() => monitor.kill())
  const ask = (...words: readonly string[]) => runProgram('ceph', [...configuration, '--connect-timeout', '10', ...words])
  await untilSo('a monitor that answers', monitor, async () => (await ask('osd', 'new', osd)).trim() === '0')

  await runProgram('ceph-osd', [...configuration, '-i', '0', '--mkfs', '--osd-uuid', osd])
  const store = startDaemon('ceph-osd', [...configuration, '-i', '0'])
  stack.defer(() => store.kill())
  await untilSo('a store that is up', store, async () => (await ask('osd', 'stat')).includes('1 up'))

  const user = { accessKeyId: 'test-access-key', secretAccessKey: 'test-secret-key' }
  const asGateway = [...configuration, '-n', 'client.rgw']
  const keys = ['--access-key', user.accessKeyId, '--secret-key', user.secretAccessKey]
  await runProgram('radosgw-admin', [...asGateway, 'user', 'create', '--uid', 'test', '--display-name', 'test', ...keys])
  const gateway = startDaemon('radosgw', asGateway)
  stack.defer(() => gateway.kill())
  const endpoint = `http://127.0.0.1:${gatewayPort}`
  await untilSo('a gateway that answers', gateway, async () => (await fetch(endpoint)).ok)

  const version = (await runProgram('radosgw', ['--version'])).trim()
  const started = stack.move()
  return { endpoint, ...user, version, [Symbol.asyncDispose]: () => started.disposeAsync() }
}

/** The keys by which the parts of the cluster know each other. */
async function makeKeys(keyring: string): Promise<void> {
  const all: Readonly<Record<string, readonly string[]>> = {
    'mon.': ['mon', 'allow *'],
    'client.admin': ['mon', 'allow *', 'osd', 'allow *', 'mgr', 'allow *'],
    'osd.0': ['mon', 'allow profile osd', 'osd', 'allow *'],
    'client.rgw': ['mon', 'allow rw', 'osd', 'allow rwx'],
  }
  const create = ['--create-keyring']
  for (const [name, rights] of Object.entries(all)) {
    const caps = rights.flatMap((word, i) => (i % 2 === 0 ? ['--cap', word] : [word]))
    await runProgram('ceph-authtool', [...create.splice(0), keyring, '--gen-key', '-n', name, ...caps])
  }
}
