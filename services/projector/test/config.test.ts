import { loadConfig } from '@artifact-store/service'
import { expect, it } from 'vitest'
import { projectorConfig } from '../src/config.ts'

it('reports all that is wrong with its settings at once', () => {
  const wrong = { PORT: '65536', STOP_GRACE_SECONDS: '-1', LOG_ARCHIVE_URL: '/var/lib/archive', PROJECTOR_BATCH: 'all' }
  expect(() => loadConfig(projectorConfig, wrong)).toThrow(
    [
      'PORT: "65536" is not a port (give a whole number from 0 to 65535)',
      'STOP_GRACE_SECONDS: "-1" is not a whole number (give a whole number from 0 to 3600)',
      'DATABASE_URL: is missing (give a URL that begins with postgres:// or postgresql://)',
      'LOG_ARCHIVE_URL: the address of the blob store is not a URL; known are fs:, memory:, s3:, such as fs:///var/lib/artifact-store (give the address of a blob store such as fs:///var/lib/artifact-store-log-archive)',
      'PROJECTOR_BATCH: "all" is not a whole number (give a whole number from 1 to 10000)',
    ].join('\n'),
  )
})
