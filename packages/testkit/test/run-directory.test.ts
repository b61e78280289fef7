import { spawnSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { startPostgres } from '@artifact-store/embedded'
import { expect, it } from 'vitest'
import { makeRunDirectory, postgresDirectory, removeLeftoverRuns } from '../src/run-directory.ts'

it('cleans up after runs that were killed, and leaves those alone that still run', async () => {
  const parent = await mkdtemp(join(tmpdir(), 'runs-'))
  const running = await makeRunDirectory(parent)
  const killed = await makeRunDirectory(parent, spawnSync(process.execPath, ['--version']).pid)
  await mkdir(join(killed, 'nats-1'))
  const postgres = await startPostgres({ directory: postgresDirectory(killed), settings: { fsync: 'off' } })

  await removeLeftoverRuns(parent)
  await postgres.exited
  expect(await readdir(parent)).toEqual([basename(running)])
  await rm(parent, { recursive: true })
})
