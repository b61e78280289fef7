import { createReadStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type RunningSystem, startSystem } from '@artifact-store/testkit'
import { afterAll, beforeAll, expect, inject, it } from 'vitest'
import { runCli } from '../src/cli.ts'
import { readTree } from '../src/file-tree.ts'
import { generatedBytes } from '../src/generated-bytes.ts'
import { layOutMixedFiles } from '../src/mixed-files.ts'
import { seededRandom } from '../src/seeded-random.ts'
import { type TemporaryDirectory, temporaryDirectory } from '../src/temporary-directory.ts'

const { endpoint, bucket, accessKeyId, secretAccessKey } = inject('ceph')
let system: RunningSystem
let directory: TemporaryDirectory
let store: { url: string; token: string }

beforeAll(async () => {
  directory = await temporaryDirectory()
  system = await startSystem({
    backend: {
      url: `s3://${bucket}/system?endpoint=${endpoint}&pathStyle=true`,
      env: { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey },
    },
  })
  store = { url: system.gateway.url, token: system.token }
})
afterAll(async () => {
  await system[Symbol.asyncDispose]()
  await directory[Symbol.asyncDispose]()
})

it('a directory is pushed through a gateway to Ceph, and pulled as it was', async () => {
  const [source, target] = [join(directory.path, 'source'), join(directory.path, 'target')]
  await layOutMixedFiles(source, { seed: 'ceph', count: 200, random: seededRandom(1) })
  await mkdir(join(source, 'large'))
  await writeFile(join(source, 'large', 'generated.bin'), generatedBytes('ceph/large', 40 * 1024 * 1024 + 7))
  const pushed = await runCli(store, ['push', source, '--name', 'ci/nightly', '--kind', 'evidence', '--json'])
  expect(pushed).toMatchObject({ code: 0 })
  const { id } = JSON.parse(pushed.stdout) as { id: string }
  expect(await runCli(store, ['pull', id, target])).toMatchObject({ code: 0 })
  expect(await readTree(target)).toEqual(await readTree(source))

  const range = await fetch(`${store.url}/v1/packages/${id}/files/large/generated.bin`, {
    headers: { authorization: `Bearer ${store.token}`, range: 'bytes=20000000-20000999' },
  })
  expect(range.status).toBe(206)
  const expected = createReadStream(join(source, 'large', 'generated.bin'), { start: 20_000_000, end: 20_000_999 })
  expect(Buffer.from(await range.arrayBuffer()).equals(Buffer.concat(await expected.toArray()))).toBe(true)
})

it('the command line shows what was found about Ceph, and has it tried again', async () => {
  const { stdout, code } = await runCli(store, ['admin', 'backends', '--probe'])
  expect(code).toBe(0)
  expect(stdout).toContain(`s3://${bucket}/system?endpoint=${endpoint}&region=us-east-1&pathStyle=true`)
  expect(stdout).toMatch(/^range +yes +parts of an object came as they were asked for/m)
})
