import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EmbeddedPostgres, type PostgresOptions, startPostgres } from '../src/postgres.ts'
import { commandLine, eventually } from '../src/process-table.ts'
import { sourceUrl, startScript } from './script-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const password = 'päss word/@:?'
const settings = { fsync: 'off' }

const start = (directory: string, more: Partial<PostgresOptions> = {}) =>
  startPostgres({ directory, password, settings, ...more })

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url })
  client.on('error', () => {})
  try {
    await client.connect()
    return (await client.query({ text: sql, rowMode: 'array' })).rows.flat()
  } finally {
    await client.end()
  }
}

const rows = (postgres: EmbeddedPostgres) => query(postgres.url('postgres'), 'select n from kept order by n')
const makeRow = (postgres: EmbeddedPostgres) => query(postgres.url('postgres'), 'create table kept as select 7 as n')

describe('a new PostgreSQL', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let postgres: EmbeddedPostgres
  beforeAll(async () => {
    directory = await temporaryDirectory()
    // Deeper than a socket's path may be, and with a space.
    postgres = await start(join(directory.path, 'a path with spaces', 'deep'.repeat(25), 'postgres'))
  })
  afterAll(async () => {
    await postgres.stop()
    await directory[Symbol.asyncDispose]()
  })

  it('has checksums, UTF8, the C collation and SCRAM passwords', async () => {
    const found = await query(
      postgres.url('postgres'),
      `select current_setting('data_checksums'), current_setting('server_encoding'), datcollate, left(rolpassword, 13)
         from pg_database, pg_authid where datname = 'postgres' and rolname = 'postgres'`,
    )
    expect(found).toEqual(['on', 'UTF8', 'C', 'SCRAM-SHA-256'])
  })

  it('listens on the loopback only and has no socket in the file system', async () => {
    const found = await query(
      postgres.url('postgres'),
      `select current_setting('listen_addresses'), current_setting('unix_socket_directories')`,
    )
    expect(found).toEqual(['127.0.0.1', ''])
  })

  it('refuses another password', async () => {
    await expect(query(postgres.url('postgres', 'postgres', 'wrong'), 'select 1')).rejects.toMatchObject({ code: '28P01' })
  })

  it('runs in a session of its own, so that Ctrl-C in the terminal does not reach it', async () => {
    const stat = await readFile(`/proc/${postgres.pid}/stat`, 'utf8')
    const [, , processGroup, session] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    expect([Number(processGroup), Number(session)]).toEqual([postgres.pid, postgres.pid])
  })
})

it('keeps its data from one start to the next and leaves no process behind', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'postgres')
  const first = await start(path)
  await makeRow(first)
  await first.stop()
  expect(await first.exited).toMatchObject({ code: 0 })
  expect(await commandLine(first.pid)).toBeUndefined()
  await using second = await start(path)
  expect(await rows(second)).toEqual([7])
})

it('recovers when the postmaster was killed with -9', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'postgres')
  const first = await start(path, { settings: {} })
  await makeRow(first)
  process.kill(first.pid, 'SIGKILL')
  expect(await first.exited).toMatchObject({ signal: 'SIGKILL' })
  await using second = await start(path, { port: first.port })
  expect(await rows(second)).toEqual([7])
})

it('stops the PostgreSQL that a killed starter left running, and takes its data over', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'postgres')
  const starter = startScript(`
    import { startPostgres } from ${JSON.stringify(sourceUrl('postgres.ts'))}
    const postgres = await startPostgres(${JSON.stringify({ directory: path, password, settings })})
    console.log(postgres.pid)`)
  const leftover = Number(await starter.nextLine())
  await starter.kill9()
  expect(await commandLine(leftover)).toContain('postgres')
  const said: string[] = []
  await using postgres = await start(path, { log: line => said.push(line) })
  expect(said[0]).toBe(`stopping the PostgreSQL that an earlier run left behind (process ${leftover})`)
  expect(await commandLine(leftover)).toBeUndefined()
  expect(postgres.pid).not.toBe(leftover)
})

it('is not held up by a pid file whose number belongs to another program by now', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'postgres')
  await (await start(path)).stop()
  await writeFile(join(path, 'postmaster.pid'), `${process.ppid}\n${path}\n`)
  await using postgres = await start(path)
  expect(await query(postgres.url('postgres'), 'select 1')).toEqual([1])
})

it('is not held up by a postmaster that is dead but that nobody has collected yet', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'postgres')
  await (await start(path)).stop()
  // The shell becomes a program that never asks for its child, which then stays in the process table as a zombie.
  using parent = spawn('sh', ['-c', 'exec 3<&0; cat <&3 >&2 & echo $!; exec 3<&-; exec sleep 600'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  const [pid] = await once(parent.stdout, 'data')
  expect(await eventually(async () => (await commandLine(parent.pid ?? 0)) === 'sleep 600', 20_000)).toBe(true)
  parent.stdin.end()
  const isZombie = async () => /^State:\s+Z/m.test(await readFile(`/proc/${Number(pid)}/status`, 'utf8'))
  expect(await eventually(isZombie, 20_000)).toBe(true)
  await writeFile(join(path, 'postmaster.pid'), `${Number(pid)}\n${path}\n`)
  await using postgres = await start(path)
  expect(await query(postgres.url('postgres'), 'select 1')).toEqual([1])
})

it('makes the cluster anew when the making was broken off', async () => {
  await using directory = await temporaryDirectory()
  const path = join(directory.path, 'postgres')
  const starter = startScript(`
    import { startPostgres } from ${JSON.stringify(sourceUrl('postgres.ts'))}
    console.log('starting')
    await startPostgres(${JSON.stringify({ directory: path, password, settings })})`)
  await starter.nextLine()
  const halfMade = async () => (await readdir(directory.path)).some(name => /^postgres\.new-\w+$/.test(name))
  await eventually(halfMade, 20_000)
  await starter.kill9()
  expect(await readdir(directory.path)).not.toContain('postgres')
  await using postgres = await start(path)
  expect(await query(postgres.url('postgres'), 'select 1')).toEqual([1])
  expect(await readdir(directory.path)).toEqual(['postgres'])
})

it('leaves nothing running when told to stop while it starts', async () => {
  await using directory = await temporaryDirectory()
  const stopping = new AbortController()
  const log = () => stopping.abort(new Error('told to stop'))
  await expect(start(join(directory.path, 'postgres'), { signal: stopping.signal, log })).rejects.toThrow('told to stop')
  await using postgres = await start(join(directory.path, 'postgres'))
  expect(await query(postgres.url('postgres'), 'select 1')).toEqual([1])
})

describe('says in a sentence what is wrong', () => {
  let directory: Awaited<ReturnType<typeof temporaryDirectory>>
  let path: string
  beforeAll(async () => {
    directory = await temporaryDirectory()
    path = join(directory.path, 'postgres')
    await (await start(path)).stop()
  })
  afterAll(() => directory[Symbol.asyncDispose]())

  it('when the password is not the one that the data were made with', async () => {
    await expect(start(path, { password: 'another' })).rejects.toMatchObject({
      kind: 'configuration',
      message: /^PostgreSQL refuses the password/,
    })
    await expect(start(path, { password: undefined })).rejects.toMatchObject({
      kind: 'configuration',
      message: /holds a database already/,
    })
  })

  it('when the port is taken', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await expect(start(path, { port })).rejects.toMatchObject({
      kind: 'configuration',
      message: `port ${port} is in use on 127.0.0.1: stop what listens there, or give PostgreSQL another port`,
    })
    await new Promise(resolve => server.close(resolve))
  })

  it('when the directory holds something else', async () => {
    const other = join(directory.path, 'other')
    await mkdir(other)
    await writeFile(join(other, 'notes.txt'), 'mine')
    await expect(start(other)).rejects.toMatchObject({ kind: 'configuration', message: /is not a PostgreSQL cluster/ })
    expect(await readFile(join(other, 'notes.txt'), 'utf8')).toBe('mine')
  })

  it('when PostgreSQL itself refuses to start, in its own words', async () => {
    await expect(start(path, { settings: { no_such_setting: '1' } })).rejects.toMatchObject({
      kind: 'backend-unavailable',
      message: /PostgreSQL did not start .*exit code 1.*unrecognized configuration parameter "no_such_setting"/,
    })
  })
})
