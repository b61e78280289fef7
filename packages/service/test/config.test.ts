import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { ArtifactError } from '@artifact-store/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { flag, integer, loadConfig, processSettings, secret, secretUrl, text, url, urls } from '../src/index.ts'

const schema = z.object({
  ...processSettings({ port: 8081 }),
  DATABASE_URL: secretUrl('postgres:', 'postgresql:'),
  LOG_WRITER_URL: url('http:', 'https:').default('http://127.0.0.1:8082'),
  LOG_WRITER_TOKEN: secret({ minLength: 16 }),
  BATCH_SIZE: integer({ min: 1, max: 5000 }).default(1000),
  DRY_RUN: flag().default(false),
  LABEL: text().optional(),
})
const valid = { DATABASE_URL: 'postgres://me:hunter2@localhost/db', LOG_WRITER_TOKEN: 'sesame-sesame-sesame' }

describe('a configuration', () => {
  let directory = ''
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'artifact-store-config-'))
  })
  afterAll(() => rm(directory, { recursive: true }))

  it('is what the environment says, with defaults for the rest', () => {
    const config = loadConfig(schema, { ...valid, PORT: '0', DRY_RUN: 'true', LOG_LEVEL: 'debug', UNRELATED: 'x' })
    expect(config).toMatchObject({
      HOST: '127.0.0.1',
      PORT: 0,
      LOG_LEVEL: 'debug',
      BATCH_SIZE: 1000,
      DRY_RUN: true,
      STOP_DRAIN_SECONDS: 0,
      STOP_GRACE_SECONDS: 10,
    })
    expect(config.LOG_WRITER_URL).toBe('http://127.0.0.1:8082')
    expect(config.DATABASE_URL.reveal()).toBe(valid.DATABASE_URL)
    expect(config).not.toHaveProperty('UNRELATED')
  })

  it('reports all mistakes at once, each with what to give', () => {
    const error = mistakesOf({
      PORT: '70000',
      LOG_LEVEL: 'loud',
      LOG_WRITER_URL: 'ftp://x',
      BATCH_SIZE: 'many',
      DRY_RUN: 'yes',
      LOG_WRITER_TOKEN: 'short',
    })
    expect(error.message.split('\n')).toEqual([
      'PORT: "70000" is not a port (give a whole number from 0 to 65535)',
      'LOG_LEVEL: "loud" is not known (give one of trace, debug, info, warn, error, fatal, silent)',
      'DATABASE_URL: is missing (give a URL that begins with postgres:// or postgresql://)',
      'LOG_WRITER_URL: "ftp://x" is not such a URL (give a URL that begins with http:// or https://)',
      'LOG_WRITER_TOKEN: what is given is too short (give at least 16 characters, or a file with them as …_FILE)',
      'BATCH_SIZE: "many" is not a whole number (give a whole number from 1 to 5000)',
      'DRY_RUN: "yes" is not known (give one of true, false)',
    ])
    expect(error.details['mistakes']).toHaveLength(7)
  })

  it('takes one URL or several, in their order', () => {
    const several = z.object({ WHERE: urls('http:') })
    expect(loadConfig(several, { WHERE: 'http://a' }).WHERE).toEqual(['http://a'])
    expect(loadConfig(several, { WHERE: 'http://b:1, http://a:2' }).WHERE).toEqual(['http://b:1', 'http://a:2'])
    const hint = 'give a URL that begins with http://, or several of them with commas between'
    for (const [given, wrong] of [
      ['http://a,ftp://b', '"ftp://b" is not such a URL'],
      ['http://a,', '"" is not such a URL'],
      ['', 'is missing'],
    ]) {
      expect(() => loadConfig(several, { WHERE: given })).toThrow(`WHERE: ${wrong} (${hint})`)
    }
  })

  it('takes an empty variable for one that is not given', () => {
    expect(loadConfig(schema, { ...valid, PORT: '', LABEL: '' })).toMatchObject({ PORT: 8081 })
    expect(mistakesOf({ ...valid, DATABASE_URL: '' }).message).toContain('DATABASE_URL: is missing')
  })

  it('reads a setting from a file, without its last line break', async () => {
    const file = join(directory, 'token')
    await writeFile(file, 'from-a-file-from-a-file\n')
    const config = loadConfig(schema, { DATABASE_URL: valid.DATABASE_URL, LOG_WRITER_TOKEN_FILE: file })
    expect(config.LOG_WRITER_TOKEN.reveal()).toBe('from-a-file-from-a-file')
  })

  it('refuses a file that cannot be read, and a setting given both ways', () => {
    const file = join(directory, 'nowhere')
    expect(mistakesOf({ DATABASE_URL: valid.DATABASE_URL, LOG_WRITER_TOKEN_FILE: file }).message).toMatch(
      /^LOG_WRITER_TOKEN: LOG_WRITER_TOKEN_FILE cannot be read: ENOENT.* \(give a readable file\)$/,
    )
    expect(mistakesOf({ ...valid, LOG_WRITER_TOKEN_FILE: file }).message).toBe(
      'LOG_WRITER_TOKEN: is given twice (give either LOG_WRITER_TOKEN or LOG_WRITER_TOKEN_FILE)',
    )
  })

  it('never shows a secret, neither a right one nor a wrong one', () => {
    const config = loadConfig(schema, valid)
    for (const shown of [JSON.stringify(config), inspect(config), `${config.DATABASE_URL}`, String(config.LOG_WRITER_TOKEN)]) {
      expect(shown).toContain('[redacted]')
      expect(shown).not.toMatch(/hunter2|sesame/)
    }
    expect(mistakesOf({ DATABASE_URL: 'mysql://me:hunter2@host/db', LOG_WRITER_TOKEN: 'hunter2' }).message).not.toContain(
      'hunter2',
    )
  })
})

function mistakesOf(env: Record<string, string>): ArtifactError {
  try {
    loadConfig(schema, env)
  } catch (error) {
    if (error instanceof ArtifactError && error.kind === 'configuration') return error
    throw error
  }
  throw new Error('the configuration was accepted')
}
