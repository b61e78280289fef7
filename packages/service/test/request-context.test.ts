import { expect, it } from 'vitest'
import { createApp, createMetrics, currentRequest, Health, inRequest, joinRequests, requestHeaders } from '../src/index.ts'
import { recordingLogger } from './fixtures/recording-logger.ts'

it('every line that is written for a request names it, however deep below its handler', async () => {
  const { logger, lines } = recordingLogger()
  const app = createApp({ name: 'test', logger, metrics: createMetrics('test'), health: new Health() })
  const deep = async (what: string) => {
    await new Promise(resolve => setImmediate(resolve))
    logger.info(what)
  }
  app.get('/:id', async c => {
    await deep(c.req.param('id'))
    return c.text('')
  })
  await Promise.all(['one', 'two'].map(id => app.request(`/${id}`, { headers: { 'X-Request-Id': `request-${id}` } })))
  logger.info('by itself')
  expect(lines).toContainEqual(expect.objectContaining({ msg: 'one', requestId: 'request-one' }))
  expect(lines).toContainEqual(expect.objectContaining({ msg: 'two', requestId: 'request-two' }))
  expect(lines.find(line => line['msg'] === 'by itself')).not.toHaveProperty('requestId')
})

it('work for several requests names the first and lists the others, which the next process is told', async () => {
  const requests = ['a', 'b', 'b', 'c'].map(requestId => ({ requestId }))
  const joined = joinRequests([requests[0], undefined, ...requests.slice(1, 2), requests[1], requests[3]])
  expect(joined).toEqual({ requestId: 'a', others: ['b', 'c'] })
  expect(requestHeaders(joined)).toEqual({ 'x-request-id': 'a', 'artifact-other-request-ids': 'b,c' })
  expect(requestHeaders(joinRequests([]))).toEqual({})

  const { logger, lines } = recordingLogger()
  const app = createApp({ name: 'test', logger, metrics: createMetrics('test'), health: new Health() })
  app.post('/', c => c.text(''))
  await app.request('/', { method: 'POST', headers: requestHeaders(joined) })
  expect(lines).toContainEqual(expect.objectContaining({ msg: 'request', requestId: 'a', otherRequestIds: ['b', 'c'] }))
})

it('a crowd is told of by some, and ids that could do harm are not repeated', async () => {
  const many = Array.from({ length: 1000 }, (_, i) => ({ requestId: `request-${i}` }))
  expect(joinRequests(many)?.others?.length).toBeLessThan(100)
  const { logger, lines } = recordingLogger()
  const app = createApp({ name: 'test', logger, metrics: createMetrics('test'), health: new Health() })
  app.post('/', c => c.text(''))
  await app.request('/', { method: 'POST', headers: { 'artifact-other-request-ids': '"}<script>,fine,' } })
  expect(lines).toContainEqual(expect.objectContaining({ msg: 'request', otherRequestIds: ['fine'] }))
})

it('outside of requests there is none', () => {
  expect(currentRequest()).toBeUndefined()
  expect(inRequest({ requestId: 'a' }, () => currentRequest())).toEqual({ requestId: 'a' })
})
