import { readStoredLog, startSystem, storedVersions } from '@artifact-store/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Api, apiOf } from './api.ts'

describe.each(storedVersions())('a store whose log was written by %s', version => {
  const { events, forms } = readStoredLog(version)
  let system: Awaited<ReturnType<typeof startSystem>>
  let api: Api
  beforeAll(async () => {
    system = await startSystem({ events })
    api = apiOf(system)
  })
  afterAll(() => system[Symbol.asyncDispose]())

  it('tells its events over HTTP as that version did, in pages', async () => {
    for (const form of forms) {
      const { headers, json } = await api.call('GET', `/v1/events?after=${form.sequence - 1}&limit=1`)
      expect(headers.get('content-type')).toBe('application/cloudevents-batch+json')
      expect(json).toEqual([form.cloudEvent])
    }
  })

  it('and in a stream', async () => {
    const expected = new Map(forms.map(form => [String(form.sequence), form]))
    const seen = new Set<string>()
    for await (const { id, event, data } of streamUntil(events.length)) {
      const form = expected.get(id)
      if (!form) continue
      expect({ event, data: JSON.parse(data) }).toEqual({ event: form.cloudEvent.type, data: form.cloudEvent })
      seen.add(id)
    }
    expect(seen).toEqual(new Set(expected.keys()))
  })

  it('goes on from there: what was made then is shown and can be added to, and what comes has the next numbers', async () => {
    const opened = events.find(({ eventType, subjectId }) => eventType === 'v1.package.created' && isOpen(subjectId))
    const id = opened?.subjectId ?? expect.fail('an open package')
    const revision = events.filter(event => event.subjectKind === 'package' && event.subjectId === id).length
    expect((await api.call('GET', `/v1/packages/${id}`)).json).toMatchObject({
      id,
      state: 'open',
      createdAt: opened?.createdAt.toISOString(),
    })
    const put = await api.call('PUT', `/v1/packages/${id}/files/added-later`, { body: 'added later' })
    expect(put.status).toBe(201)
    expect(Number(put.headers.get('artifact-position'))).toBeGreaterThan(events.length)
    const { json: last } = await api.call('GET', `/v1/events?subject=package/${id}&after=${events.length}`)
    expect(last).toMatchObject([{ type: 'v1.package.files-added', subjectrevision: revision + 1 }])
  })

  /** Whether nothing has closed the package, and every event of it can be read. */
  function isOpen(id: string): boolean {
    const own = events.filter(event => event.subjectKind === 'package' && event.subjectId === id)
    return own.every(({ eventType }) => !/finalized|discarded|deleted|painted/.test(eventType))
  }

  async function* streamUntil(sequence: number): AsyncGenerator<Record<'id' | 'event' | 'data', string>> {
    const aborter = new AbortController()
    const response = await fetch(`${system.gateway.url}/v1/events`, {
      headers: { authorization: `Bearer ${system.token}`, accept: 'text/event-stream' },
      signal: aborter.signal,
    })
    let text = ''
    try {
      for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
        text += chunk
        const blocks = text.split('\n\n')
        text = blocks.pop() ?? ''
        for (const block of blocks) {
          const fields = Object.fromEntries(block.split('\n').map(line => line.split(/: (.*)/s).slice(0, 2)))
          if (!fields.id) continue
          yield fields
          if (Number(fields.id) >= sequence) return
        }
      }
    } finally {
      aborter.abort()
    }
  }
})
