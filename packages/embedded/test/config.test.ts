import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { readConfig } from '../src/config.ts'

it('needs nothing to be set: the repository’s data directory, 127.0.0.1 and port 8080', () => {
  const root = resolve(import.meta.dirname, '..', '..', '..')
  expect(readConfig({})).toEqual({
    dataDirectory: resolve(root, 'data'),
    host: '127.0.0.1',
    port: 8080,
    token: undefined,
    nats: { kind: 'embedded', port: undefined },
    logLevel: 'info',
    servicesDirectory: resolve(root, 'services'),
    inheritedEnvironment: {},
  })
})

it('takes an empty variable as one that is not set', () => {
  expect(readConfig({ ARTIFACT_STORE_PORT: '', LOG_LEVEL: '', NATS_URL: '' })).toEqual(readConfig({}))
})

it('takes a broker from NATS_URL, unless there is to be none', () => {
  const url = 'nats://user:secret@broker:4222'
  expect(readConfig({ NATS_URL: url }).nats).toEqual({ kind: 'external', url })
  expect(readConfig({ NATS_URL: url, ARTIFACT_STORE_NATS: 'off' }).nats).toEqual({ kind: 'off' })
  expect(readConfig({ ARTIFACT_STORE_NATS_PORT: '4222' }).nats).toEqual({ kind: 'embedded', port: 4222 })
})

it('reports all mistakes at once, each with its variable', () => {
  const wrong = {
    ARTIFACT_STORE_PORT: '80 80',
    ARTIFACT_STORE_NATS_PORT: '0',
    ARTIFACT_STORE_TOKEN: 'short',
    LOG_LEVEL: 'loud',
    NATS_URL: 'broker',
  }
  expect(() => readConfig(wrong)).toThrow(
    'the configuration is wrong: ARTIFACT_STORE_PORT must be a port number from 0 to 65535; ' +
      'ARTIFACT_STORE_TOKEN must be 16 to 200 letters, digits and . _ ~ + / - (RFC 6750); ' +
      'ARTIFACT_STORE_NATS_PORT must be a port number from 1 to 65535; ' +
      'NATS_URL must be a URL like nats://user:password@host:4222; ' +
      'LOG_LEVEL must be one of fatal, error, warn, info, debug, trace, silent',
  )
})

it('reports settings that contradict one another, and what it only hands to a service', () => {
  expect(() => readConfig({ ARTIFACT_STORE_PORT: '4222', ARTIFACT_STORE_NATS_PORT: '4222', HASH_KERNEL: 'fast' })).toThrow(
    'the configuration is wrong: HASH_KERNEL must be one of portable, native, auto; ' +
      'ARTIFACT_STORE_NATS_PORT is the gateway’s port as well: give NATS another one',
  )
  expect(readConfig({ HASH_THREADS: '2' }).inheritedEnvironment).toEqual({ HASH_THREADS: '2' })
  const tracing = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:4318', OTEL_TRACES_SAMPLER: 'always_on' }
  expect(readConfig({ ...tracing, OTHER: 'x' }).inheritedEnvironment).toEqual(tracing)
})

it('hands only what programs need of its own environment to the services', () => {
  const given = readConfig({ PATH: '/bin', HOME: '/home/me', DATABASE_URL: 'postgresql://elsewhere', AWS_SECRET_ACCESS_KEY: 'x' })
  expect(given.inheritedEnvironment).toEqual({ PATH: '/bin', HOME: '/home/me' })
})
