import { type Environment, loadConfig } from '@artifact-store/service'
import { expect, it } from 'vitest'
import { gatewayConfig } from '../src/config.ts'

const valid = {
  DATABASE_URL: 'postgres://gateway@db/store',
  LOG_WRITER_URL: 'http://log-writer:8081',
  LOG_WRITER_TOKEN: 'sesame-sesame-sesame',
  BLOBS_URL: 'fs:///var/lib/artifact-store',
}

it('reports at once what is missing, what is not known, and what contradicts itself', () => {
  const wrong = {
    LOG_WRITER_URL: 'log-writer:8081',
    LOG_WRITER_TOKEN: 'short',
    BLOBS_URL: 'fs:///var/lib/artifact-store',
    LOG_ARCHIVE_URL: 'fs:///var/lib/artifact-store',
    HASH_KERNEL: 'fast',
    UPLOAD_EXPIRY_HOURS: '0',
  }
  expect(mistakes(wrong)).toEqual([
    'DATABASE_URL: is missing (give a URL that begins with postgres:// or postgresql://)',
    'LOG_WRITER_URL: "log-writer:8081" is not such a URL (give a URL that begins with http:// or https://, or several of them with commas between)',
    'LOG_WRITER_TOKEN: what is given is too short (give at least 16 characters, or a file with them as …_FILE)',
    'HASH_KERNEL: "fast" is not known (give one of portable, native, auto)',
    'UPLOAD_EXPIRY_HOURS: "0" is not a whole number (give a whole number from 1 to 8760)',
    'LOG_ARCHIVE_URL: is the same as BLOBS_URL (give the archive of the log a place of its own, such as another directory)',
  ])
})

it('knows an address of bytes that it could not open before it opens anything', () => {
  for (const [address, wrong] of [
    ['ftp://host', 'there is no blob store of the kind "ftp:"'],
    ['fs://host/path', 'names no directory'],
    ['s3://bucket?endpiont=https://host', 'there is no setting "endpiont"'],
    ['s3://key:secret@bucket', 'credentials do not belong into the address'],
  ]) {
    const told = mistakes({ ...valid, BLOBS_URL: address, PORT: 'x' })
    expect(told).toHaveLength(2)
    expect(told[1]).toContain(wrong)
  }
})

it('names no place twice, however it is written, and tells all of it at once', () => {
  const [a, b, c] = ['fs:///a', 'fs:///b', 's3://bucket/c?endpoint=https://host']
  expect(mistakes({ ...valid, BLOBS_REPLICA_URLS: `${a}, ${b}`, BLOBS_OLDER_URLS: c, PORT: 'x' })).toHaveLength(1)
  expect(mistakes({ ...valid, BLOBS_REPLICA_URLS: `${valid.BLOBS_URL}/,${a},${a}`, LOG_ARCHIVE_URL: a })).toEqual([
    'LOG_ARCHIVE_URL: is one of BLOBS_REPLICA_URLS (give it a place of its own)',
    'BLOBS_REPLICA_URLS: has BLOBS_URL (give another place: a second copy there would be none)',
  ])
  expect(mistakes({ ...valid, BLOBS_REPLICA_URLS: `${a},${a}/` })).toEqual([
    'BLOBS_REPLICA_URLS: has a place twice (name each once)',
  ])
  expect(mistakes({ ...valid, BLOBS_REPLICA_URLS: a, BLOBS_OLDER_URLS: `${c}, ${a}/, ftp://x` })).toEqual([
    expect.stringContaining('BLOBS_OLDER_URLS: there is no blob store of the kind "ftp:"'),
  ])
  expect(mistakes({ ...valid, BLOBS_REPLICA_URLS: a, BLOBS_OLDER_URLS: `${c}, ${a}/` })).toEqual([
    'BLOBS_OLDER_URLS: has one of BLOBS_REPLICA_URLS (leave it out there)',
  ])
})

function mistakes(environment: Environment): string[] {
  try {
    loadConfig(gatewayConfig, environment)
  } catch (error) {
    return String(error instanceof Error ? error.message : error).split('\n')
  }
  return []
}
