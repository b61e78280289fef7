import { ArtifactError, type ErrorKind } from '@artifact-store/core'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { type Problem, problemHeaders, problemOf, problems, problemType } from '../src/index.ts'

const kinds = Object.keys(problems) as ErrorKind[]
const hidden: ErrorKind[] = ['internal', 'configuration']

describe('a problem document', () => {
  it.each(kinds.filter(kind => !hidden.includes(kind)))('of %s names its type, status, title and what was wrong', kind => {
    const document = problemOf(new ArtifactError(kind, 'the sentence', { details: { path: 'a/b', status: 7, type: 'x' } }), 'r-1')
    const { status, title } = problems[kind]
    expect(document).toEqual({
      type: `https://artifact-store.dev/problems/${kind}`,
      title,
      status,
      detail: 'the sentence',
      kind,
      path: 'a/b',
      requestId: 'r-1',
    })
  })

  it.each([
    new ArtifactError('internal', 'row 7 of secrets', { details: { row: 7 } }),
    new ArtifactError('configuration', 'row 7 of secrets'),
    new TypeError('row 7 of secrets'),
    'row 7 of secrets',
  ])('of our own mistakes tells nothing but the request id (%s)', error => {
    const document = problemOf(error, 'r-2')
    expect(document.status).toBe(500)
    expect(document.detail).toContain('r-2')
    expect(JSON.stringify(document)).not.toContain('7')
  })

  it('of a schema that does not match points at each wrong field', () => {
    const parsed = z.object({ 'a/b': z.array(z.number()), name: z.string() }).safeParse({ 'a/b': [1, 'x'] })
    const document = problemOf(parsed.error)
    expect(document).toMatchObject({ kind: 'invalid-request', status: 400 })
    expect(document['errors']).toEqual([
      { pointer: '#/a~1b/1', message: expect.any(String) },
      { pointer: '#/name', message: expect.any(String) },
    ])
  })

  it('of a server that cannot be reached says to try again, and not which server', () => {
    const refused = Object.assign(new Error('connect ECONNREFUSED 10.0.0.7:5432'), { code: 'ECONNREFUSED' })
    const document = problemOf(refused)
    expect(document).toMatchObject({ kind: 'backend-unavailable', status: 503 })
    expect(JSON.stringify(document)).not.toContain('10.0.0.7')
  })
})

describe('the headers of a problem', () => {
  it.each(kinds)('of %s have what its status asks for', kind => {
    const problem: Problem = problems[kind]
    const headers = problemHeaders(problemOf(new ArtifactError(kind, 'x', { details: { allow: ['GET', 'PUT'] } })))
    expect(headers['Content-Type']).toBe('application/problem+json')
    expect('Retry-After' in headers).toBe([423, 429, 503].includes(problem.status))
    expect(headers['WWW-Authenticate']).toBe(problem.status === 401 ? 'Bearer realm="artifact-store"' : undefined)
    expect(headers['Allow']).toBe(problem.status === 405 ? 'GET, PUT' : undefined)
  })

  it('say how much there is where a range asked for more', () => {
    const headers = problemHeaders(problemOf(new ArtifactError('range-not-satisfiable', 'x', { details: { size: 7 } })))
    expect(headers['Content-Range']).toBe('bytes */7')
  })

  it('say when to come again, and what the limit is, where a token asks too often', () => {
    const details = { requestsPerSecond: 3, burst: 10, retryAfter: 2 }
    expect(problemHeaders(problemOf(new ArtifactError('too-many-requests', 'x', { details })))).toMatchObject({
      'Retry-After': '2',
      'RateLimit-Policy': '"token";q=10;w=4',
      RateLimit: '"token";r=0;t=2',
    })
    const unsaid = problemHeaders(problemOf(new ArtifactError('too-many-requests', 'x')))
    expect(unsaid).toMatchObject({ 'Retry-After': '1' })
    expect('RateLimit' in unsaid).toBe(false)
  })

  it('come with a type that is a valid URI for every kind', () => {
    for (const kind of kinds) expect(URL.canParse(problemType(kind))).toBe(true)
  })
})
