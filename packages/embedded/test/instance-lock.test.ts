import { join } from 'node:path'
import { expect, it } from 'vitest'
import { lockDirectory } from '../src/instance-lock.ts'
import { sourceUrl, startScript } from './script-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

const holder = (directory: string, socket: string) =>
  startScript(`
    import { lockDirectory } from ${JSON.stringify(sourceUrl('instance-lock.ts'))}
    await lockDirectory(${JSON.stringify(directory)}, ${JSON.stringify(socket)})
    console.log('locked')
    setInterval(() => {}, 1000)`)

it('refuses a second copy in a sentence that names the first and what to do', async () => {
  await using directory = await temporaryDirectory()
  const socket = join(directory.path, 'supervisor.sock')
  const first = holder(directory.path, socket)
  expect(await first.nextLine()).toBe('locked')
  await expect(lockDirectory(directory.path, socket)).rejects.toMatchObject({
    kind: 'configuration',
    message: `artifact-store is already running on ${directory.path} (process ${first.child.pid}): use that one, stop it first, or set ARTIFACT_STORE_DATA to another directory`,
  })
  await first.kill9()
})

it('is free again after kill -9 of its holder, for exactly one of many who want it', async () => {
  await using directory = await temporaryDirectory()
  const socket = join(directory.path, 'supervisor.sock')
  const first = holder(directory.path, socket)
  await first.nextLine()
  await first.kill9()
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => lockDirectory(directory.path, socket)))
  const locks = results.flatMap(result => (result.status === 'fulfilled' ? [result.value] : []))
  expect(locks).toHaveLength(1)
  await locks[0]?.[Symbol.asyncDispose]()
  await using _again = await lockDirectory(directory.path, socket)
})

it('works in a directory whose path is too long for a socket', async () => {
  await using directory = await temporaryDirectory()
  const socket = join(directory.path, 'd'.repeat(120), 'supervisor.sock')
  const first = await lockDirectory(directory.path, socket)
  await expect(lockDirectory(directory.path, socket)).rejects.toThrow(`process ${process.pid}`)
  await first[Symbol.asyncDispose]()
  await using _again = await lockDirectory(directory.path, socket)
})
