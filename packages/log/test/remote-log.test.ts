import { type Append, openRemoteLog, type RemoteLogOptions } from '@artifact-store/log'
import { describe, expect, it, onTestFinished } from 'vitest'
import { acceptAll, problem, refuseAll, type SmallLogWriter, startSmallLogWriter } from './small-log-writer.ts'
import { testAppend, testEvent } from './test-event.ts'

describe('a remote log', () => {
  it('sends an append again, under its key, until it is taken', async () => {
    const [writer] = await writers(1)
    writer.answer = failures(
      (_, response) => response.destroy(),
      problem(503, 'log-unavailable', { 'retry-after': '1' }),
      problem(502, 'bad-gateway'),
    )
    const append = testAppend(testEvent())
    expect(await remote([writer]).append(append)).toMatchObject({ outcome: 'appended' })
    expect(writer.requests.flat().map(({ key }) => key)).toEqual(Array.from({ length: 4 }, () => append.key))
  })

  it('leaves a log-writer that is overloaded alone for as long as it asks', async () => {
    const [writer] = await writers(1)
    let tooEarly = 0
    let pushedBackAt: number | undefined
    writer.answer = (appends, response) => {
      if (pushedBackAt !== undefined && performance.now() - pushedBackAt < 1000) tooEarly += 1
      if (pushedBackAt !== undefined) return acceptAll(appends, response)
      pushedBackAt = performance.now()
      return problem(503, 'overloaded', { 'retry-after': '1' })(appends, response)
    }
    expect(await remote([writer]).append(some())).toMatchObject({ outcome: 'appended' })
    expect({ tooEarly, requests: writer.requests.length }).toEqual({ tooEarly: 0, requests: 2 })
  })

  it('gives up when its patience would end before that, and says why', async () => {
    const [writer] = await writers(1)
    writer.answer = problem(503, 'overloaded', { 'retry-after': '3600' })
    await expect(remote([writer], { patienceMs: 10_000 }).append(some())).rejects.toMatchObject({ kind: 'overloaded' })
    writer.answer = problem(503, 'log-unavailable')
    await expect(remote([writer], { patienceMs: 50 }).append(some())).rejects.toMatchObject({ kind: 'log-unavailable' })
    expect(writer.requests.length).toBeGreaterThan(2)
  })

  it('does not try again what trying cannot cure', async () => {
    const [writer] = await writers(1)
    const log = remote([writer], { patienceMs: 60_000 })
    writer.answer = problem(401, 'unauthenticated')
    await expect(log.append(some())).rejects.toMatchObject({
      kind: 'configuration',
      message: expect.stringContaining('LOG_WRITER_TOKEN'),
    })
    writer.answer = problem(404, 'route-not-found')
    await expect(log.append(some())).rejects.toMatchObject({ kind: 'internal' })
    writer.answer = (_, response) => response.end('a page of a proxy')
    await expect(log.append(some())).rejects.toMatchObject({ kind: 'internal' })
    writer.answer = (_, response) => response.end('{"results":[]}')
    await expect(log.append(some())).rejects.toMatchObject({ kind: 'internal' })
    writer.answer = refuseAll
    await expect(log.append(some())).rejects.toMatchObject({ kind: 'digest-mismatch', message: 'not the BLAKE3' })
    expect(writer.requests).toHaveLength(5)
  })

  it('refuses what no request could carry before it sends it, and still takes what one can', async () => {
    const [writer] = await writers(1)
    const log = remote([writer])
    const large = (megabytes: number) => testAppend(testEvent({ payload: { text: 'x'.repeat(megabytes * 2 ** 20) } }))
    await expect(log.append(large(16))).rejects.toMatchObject({
      kind: 'body-too-large',
      details: { maxBytes: 16 * 2 ** 20 - 16 },
    })
    expect(writer.requests).toHaveLength(0)
    expect(await log.append(large(15))).toMatchObject({ outcome: 'appended' })
  })

  it('gives up the answer of an append that is aborted on its way, and never sends one that was aborted before', async () => {
    const [writer] = await writers(1)
    const answering = Promise.withResolvers<void>()
    const arrived = Promise.withResolvers<void>()
    writer.answer = async (appends, response) => {
      arrived.resolve()
      await answering.promise
      acceptAll(appends, response)
    }
    const log = remote([writer])
    const leaving = new AbortController()
    const gone = log.append(some(), { signal: leaving.signal })
    const kept = log.append(some())
    await arrived.promise
    leaving.abort(new Error('enough'))
    await expect(gone).rejects.toThrow('enough')
    await expect(log.append(some(), { signal: leaving.signal })).rejects.toThrow('enough')
    answering.resolve()
    expect(await kept).toMatchObject({ outcome: 'appended' })
    expect(writer.requests.map(appends => appends.length)).toEqual([2])
  })

  it('gives up what is under way, and what waits to be tried again, when it is disposed of', async () => {
    const [silent, failing] = await writers(2)
    const arrived = [silent, failing].map(writer => {
      const { promise, resolve } = Promise.withResolvers<void>()
      writer.answer = (appends, response) => {
        resolve()
        if (writer === failing) problem(503, 'overloaded', { 'retry-after': '10' })(appends, response)
      }
      return promise
    })
    for (const [at, writer] of [silent, failing].entries()) {
      const log = remote([writer])
      const asked = log.append(some())
      await arrived[at]
      await log[Symbol.asyncDispose]()
      await expect(asked).rejects.toMatchObject({ kind: 'log-unavailable' })
    }
  })
})

describe('of several log-writers', () => {
  it('the preferred one is asked as long as it works, and the next one at once when it does not', async () => {
    const [preferred, standby] = await writers(2)
    const log = remote([preferred, standby])
    await log.append(some())
    await log.append(some())
    expect([preferred.requests.length, standby.requests.length]).toEqual([2, 0])
    preferred.ready = false
    for (const answer of [problem(503, 'log-unavailable', { 'retry-after': '5' }), problem(503, 'overloaded')]) {
      preferred.answer = answer
      expect(await log.append(some())).toMatchObject({ outcome: 'appended' })
    }
    await preferred[Symbol.asyncDispose]()
    expect(await log.append(some())).toMatchObject({ outcome: 'appended' })
    expect([preferred.requests.length, standby.requests.length]).toEqual([3, 3])
  })

  it('one that does not answer in time is left, and the append sent to the next under the same key', async () => {
    const [preferred, standby] = await writers(2)
    preferred.ready = false
    preferred.answer = () => undefined
    const append = testAppend(testEvent())
    expect(await remote([preferred, standby], { attemptMs: 100 }).append(append)).toMatchObject({ outcome: 'appended' })
    expect([preferred, standby].map(({ requests }) => requests.flat().map(({ key }) => key))).toEqual([
      [append.key],
      [append.key],
    ])
  })

  it('a preferred one is asked again when it says that it is ready, and not before', async () => {
    const [preferred, standby] = await writers(2)
    const log = remote([preferred, standby])
    preferred.ready = false
    preferred.answer = problem(503, 'log-unavailable')
    await log.append(some())
    preferred.answer = acceptAll
    await log.append(some())
    expect([preferred.requests.length, standby.requests.length]).toEqual([1, 2])
    preferred.ready = true
    const backAtPreferred = async () => {
      await log.append(some())
      return preferred.requests.length
    }
    await expect.poll(backAtPreferred, { timeout: 20_000, interval: 100 }).toBeGreaterThan(1)
    const before = standby.requests.length
    await log.append(some())
    expect(standby.requests.length).toBe(before)
  })

  it('all are asked once before any is asked again, and the last one says why none took it', async () => {
    const asked: number[] = []
    const three = await writers(3)
    for (const [at, writer] of three.entries()) {
      writer.ready = false
      writer.answer = (appends, response) => {
        asked.push(at)
        return problem(503, at === 2 ? 'overloaded' : 'log-unavailable')(appends, response)
      }
    }
    await expect(remote(three, { patienceMs: 0 }).append(some())).rejects.toMatchObject({
      kind: 'overloaded',
      message: expect.stringContaining(three[2].url.host),
    })
    expect(asked).toEqual([0, 1, 2])
  })
})

async function writers(count: 1): Promise<[SmallLogWriter]>
async function writers(count: 2): Promise<[SmallLogWriter, SmallLogWriter]>
async function writers(count: 3): Promise<[SmallLogWriter, SmallLogWriter, SmallLogWriter]>
async function writers(count: number): Promise<SmallLogWriter[]> {
  return Promise.all(
    Array.from({ length: count }, async () => {
      const writer = await startSmallLogWriter()
      onTestFinished(() => writer[Symbol.asyncDispose]())
      return writer
    }),
  )
}

function remote(asked: readonly SmallLogWriter[], options: Partial<RemoteLogOptions> = {}) {
  const [first, ...others] = asked.map(({ url }) => url)
  if (!first) throw new Error('no log-writer')
  const log = openRemoteLog({ urls: [first, ...others], token: 'secret', ...options })
  onTestFinished(() => log[Symbol.asyncDispose]())
  return log
}

function some(): Append {
  return testAppend(testEvent())
}

/** Each request fails in its way; then all are taken. */
function failures(...ways: SmallLogWriter['answer'][]): SmallLogWriter['answer'] {
  return (appends, response) => (ways.shift() ?? acceptAll)(appends, response)
}
