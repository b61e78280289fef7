import { createServer } from 'node:http'
import { PassThrough } from 'node:stream'
import { expect, it } from 'vitest'
import { run } from '../src/run.ts'

const soFar = { blobs: 10, bytes: 4096, copied: 7, copiedBytes: 2048, removed: 9, damaged: 0 }
const summary = { done: true, from: 'older-1', to: 'primary', ...soFar }

/** What the command does with these lines, which a gateway answers. */
async function migrate(lines: readonly object[], ...flags: readonly string[]) {
  const asked: unknown[] = []
  await using server = createServer((request, response) => {
    request.setEncoding('utf8')
    let body = ''
    request.on('data', (text: string) => {
      body += text
    })
    request.on('end', () => {
      asked.push(`${request.method} ${request.url}`, JSON.parse(body))
      response.writeHead(200, { 'content-type': 'application/x-ndjson' })
      response.end(lines.map(line => `${JSON.stringify(line)}\n`).join(''))
    })
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as { port: number }
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const connection = ['--url', `http://127.0.0.1:${port}`, '--token', 'a-token-of-an-admin']
  const args = ['admin', 'migrate', '--from', 'older-1', '--to', 'primary', ...connection, ...flags]
  const exitCode = await run(args, { stdout, stderr, signal: new AbortController().signal })
  return { exitCode, asked, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') }
}

it('what was moved is summed up', async () => {
  const progress = { kind: 'progress', ...soFar, fraction: 0.5 }
  const { exitCode, asked, out } = await migrate([progress, summary], '--remove')
  expect(asked).toEqual(['POST /v1/backends/migrate', { from: 'older-1', to: 'primary', remove: true }])
  expect(exitCode).toBe(0)
  expect(out.split('\n')).toEqual([
    'from     older-1: 10 blobs, 4.0 KiB',
    'to       primary: 7 of them copied, 2.0 KiB',
    'removed  9, each proven to be in primary',
    'damaged  0',
    '',
  ])
})

it('what is damaged is named, and makes the exit code 1', async () => {
  const digest = `blake3:${'a'.repeat(64)}`
  const damaged = { kind: 'damaged', digest, store: 'older-1' }
  const lines = [damaged, { ...summary, damaged: 1 }]
  const { exitCode, asked, out, err } = await migrate(lines)
  expect(asked[1]).toEqual({ from: 'older-1', to: 'primary', remove: false })
  expect(exitCode).toBe(1)
  expect(out).toContain(`NO  ${digest} is damaged in older-1, and was left in older-1\n`)
  expect(out).not.toContain('removed')
  expect(err).toContain('1 blob of older-1 could not be copied')
  const json = await migrate(lines, '--json')
  expect(json.exitCode).toBe(1)
  const { done: _, ...facts } = summary
  expect(JSON.parse(json.out)).toEqual({ ...facts, damaged: 1, damagedBlobs: [{ digest, store: 'older-1' }] })
})

it('one that could not be finished says why', async () => {
  const problem = {
    type: 'https://artifact-store.dev/problems/storage-full',
    status: 507,
    kind: 'storage-full',
    title: 'full',
    detail: 'the disk is full',
  }
  const { exitCode, err } = await migrate([{ ...summary, problem }])
  expect(exitCode).toBe(1)
  expect(err).toContain('the disk is full')
})
