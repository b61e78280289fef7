import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { connect, StorageType } from 'nats'
import { expect, it } from 'vitest'
import { startNats } from '../src/nats.ts'
import { findNatsServer } from '../src/nats-binary.ts'
import { commandLine } from '../src/process-table.ts'
import { sourceUrl, startScript } from './script-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const user = 'artifact-store'
const password = '0"quoted" and \\ odd'
const login = { user, pass: password }

it('keeps a JetStream stream from one start to the next, also over kill -9', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'a nats directory')
  const first = await startNats({ directory: path, user, password })
  const before = await connect({ servers: `127.0.0.1:${first.port}`, ...login, reconnect: false })
  const manager = await before.jetstreamManager()
  await manager.streams.add({ name: 'kept', subjects: ['kept.>'], storage: StorageType.File })
  await before.jetstream().publish('kept.one', 'hello')
  await before.close()
  await first.stop()
  expect(await commandLine(first.pid)).toBeUndefined()

  const second = await startNats({ directory: path, user, password })
  process.kill(second.pid, 'SIGKILL')
  expect(await second.exited).toMatchObject({ signal: 'SIGKILL' })
  await using third = await startNats({ directory: path, user, password, port: second.port })
  const after = await connect({ servers: `127.0.0.1:${third.port}`, ...login, reconnect: false })
  expect((await (await after.jetstreamManager()).streams.info('kept')).state.last_seq).toBe(1)
  await after.close()
})

it('takes nobody without the user and password, which only the owner can read', async () => {
  await using directory = await temporaryDirectory()
  await using nats = await startNats({ directory: directory.path, user, password })
  const servers = `127.0.0.1:${nats.port}`
  await expect(connect({ servers, reconnect: false })).rejects.toMatchObject({ code: 'AUTHORIZATION_VIOLATION' })
  await expect(connect({ servers, user, pass: 'wrong', reconnect: false })).rejects.toMatchObject({
    code: 'AUTHORIZATION_VIOLATION',
  })
  const { mode } = await stat(join(directory.path, 'nats-server.conf'))
  expect(mode & 0o777).toBe(0o600)
})

it('gives a URL with which a client can connect', async () => {
  await using directory = await temporaryDirectory()
  await using nats = await startNats({ directory: directory.path, user, password: 'plain-password' })
  const url = new URL(nats.url)
  const connection = await connect({ servers: url.host, user: url.username, pass: url.password, reconnect: false })
  expect(connection.info?.jetstream).toBe(true)
  await connection.close()
})

it('stops the server that a killed starter left running', async () => {
  await using directory = await temporaryDirectory()
  const starter = startScript(`
    import { startNats } from ${JSON.stringify(sourceUrl('nats.ts'))}
    const nats = await startNats(${JSON.stringify({ directory: directory.path, user, password })})
    console.log(nats.pid)`)
  const leftover = Number(await starter.nextLine())
  await starter.kill9()
  const said: string[] = []
  await using nats = await startNats({ directory: directory.path, user, password, log: line => said.push(line) })
  expect(said[0]).toBe(`stopping the NATS server that an earlier run left behind (process ${leftover})`)
  expect(await commandLine(leftover)).toBeUndefined()
  expect(nats.pid).not.toBe(leftover)
})

it('prefers the server on PATH to the one that was installed with it', async () => {
  const shipped = findNatsServer('')
  expect(shipped?.origin).toBe('npm')
  expect(findNatsServer(`/no/such/place:${join(shipped?.path ?? '', '..')}`)).toEqual({ path: shipped?.path, origin: 'PATH' })
})

it('says in a sentence that its port is taken', async () => {
  await using directory = await temporaryDirectory()
  await using first = await startNats({ directory: join(directory.path, 'one'), user, password })
  await expect(startNats({ directory: join(directory.path, 'two'), user, password, port: first.port })).rejects.toMatchObject({
    kind: 'configuration',
    message: `port ${first.port} is in use on 127.0.0.1: stop what listens there, or set ARTIFACT_STORE_NATS_PORT to another port`,
  })
})
