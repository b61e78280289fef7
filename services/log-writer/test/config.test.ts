import { loadConfig } from '@artifact-store/service'
import { expect, it } from 'vitest'
import { logWriterConfig } from '../src/config.ts'

it('reports all that is wrong with its settings at once', () => {
  const wrong = {
    DATABASE_URL: 'mysql://db/store',
    NATS_URL: 'nowhere',
    NATS_REPLICAS: '7',
    LOG_ARCHIVE_URL: 'memory://somewhere',
    LOG_WRITER_MAX_BATCH: '0',
  }
  expect(() => loadConfig(logWriterConfig, wrong)).toThrow(
    [
      'DATABASE_URL: what is given is not such a URL (give a URL that begins with postgres:// or postgresql://)',
      'NATS_URL: what is given is not such a URL (give a URL)',
      'NATS_REPLICAS: "7" is not a whole number (give a whole number from 1 to 5)',
      'LOG_WRITER_TOKEN: is missing (give at least 16 characters, or a file with them as …_FILE)',
      'LOG_WRITER_MAX_BATCH: "0" is not a whole number (give a whole number from 1 to 10000)',
      'LOG_ARCHIVE_URL: a store in memory has no place and no settings: write memory: and nothing else (give the address of a blob store such as fs:///var/lib/artifact-store-log-archive)',
    ].join('\n'),
  )
})
