import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { expect, it } from 'vitest'
import { chooseSeed, plainEnvironment } from '../../src/environment.ts'
import { repository } from '../../src/repository.ts'
import { temporaryDirectory } from '../../src/temporary-directory.ts'

/** What `npm run faults` does, with its own place for what it leaves behind. */
async function faults(directory: string, ...args: string[]): Promise<{ code: number | null; said: string }> {
  const child = spawn(process.execPath, [join(repository, 'e2e', 'src', 'faults', 'main.ts'), ...args], {
    env: { ...plainEnvironment(), TMPDIR: directory },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const ended = new Promise<number | null>(resolve => child.once('close', resolve))
  const said = (await Promise.all([text(child.stdout), text(child.stderr)])).join('')
  return { code: await ended, said }
}

it('finds nothing wrong in short runs of whatever may go wrong', { timeout: 400_000 }, async () => {
  await using scratch = await temporaryDirectory()
  const seed = chooseSeed()
  const { code, said } = await faults(scratch.path, '--runs', '2', '--seed', String(seed), '--seconds', '3')
  expect(code, said).toBe(0)
  for (const one of [seed, seed + 1]) expect(said).toContain(`seed ${one}: ok — `)
  expect(said).toContain('2 runs, 0 failed')
  expect(await readdir(scratch.path)).toEqual([])
})

it('finds it when acknowledged writes are gone, and says how to have it again', { timeout: 400_000 }, async () => {
  await using scratch = await temporaryDirectory()
  const { code, said } = await faults(scratch.path, '--seed', '7', '--seconds', '3', '--patience', '5', '--sabotage')
  expect(code, said).toBe(1)
  expect(said).toContain('seed 7: FAILED — ')
  expect(said).toContain('acknowledged appends are kept')
  expect(said).toContain('to have it again: npm run faults -- --runs 1 --seed 7 --seconds 3 --sabotage')
  const left = await readdir(join(scratch.path, 'artifact-store-faults', 'seed-7'))
  expect(left).toEqual(expect.arrayContaining(['appends.ndjson', 'log.ndjson', 'logs', 'notes.txt', 'violations.ndjson']))
})
