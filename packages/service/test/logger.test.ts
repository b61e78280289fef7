import { Writable } from 'node:stream'
import { ArtifactError } from '@artifact-store/core'
import { expect, it } from 'vitest'
import { createLogger, Secret } from '../src/index.ts'

it('writes one JSON object a line, with its name, the level as a word and an ISO time', () => {
  const { logger, lines } = memoryLogger()
  logger.info({ sequence: 7 }, 'appended')
  logger.debug('not at this level')
  expect(lines()).toEqual([
    { level: 'info', name: 'test', sequence: 7, msg: 'appended', time: expect.stringMatching(/^\d{4}-.*Z$/) },
  ])
})

it('shows no secret, wherever in the line it stands', () => {
  const { logger, lines } = memoryLogger()
  logger.info({ token: 'hunter2', headers: { authorization: 'Bearer hunter2' }, request: { headers: { cookie: 'hunter2' } } })
  logger.info({ config: { DATABASE_URL: 'postgres://me:hunter2@host/db', other: new Secret('hunter2') } })
  expect(JSON.stringify(lines())).not.toContain('hunter2')
  expect(JSON.stringify(lines()).split('[redacted]')).toHaveLength(6)
})

it('keeps the chain of causes and the details of an error', () => {
  const { logger, lines } = memoryLogger()
  logger.error({
    err: new ArtifactError('storage-full', 'no room', { cause: new Error('ENOSPC'), details: { digest: 'blake3:00' } }),
  })
  expect(lines()[0]).toMatchObject({
    err: { kind: 'storage-full', details: { digest: 'blake3:00' }, message: 'no room: ENOSPC' },
  })
})

function memoryLogger() {
  const written: string[] = []
  const destination = new Writable({
    write(chunk, _encoding, done) {
      written.push(String(chunk))
      done()
    },
  })
  const logger = createLogger({ name: 'test', level: 'info', destination })
  return { logger, lines: () => written.map(line => JSON.parse(line) as Record<string, unknown>) }
}
