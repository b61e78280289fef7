import { ArtifactError } from '@artifact-store/core'
import { describe, expect, it } from 'vitest'
import { Health } from '../src/index.ts'

describe('health', () => {
  it('is starting, then ready while every check passes, then stopping', async () => {
    const health = new Health()
    health.check('postgres', async () => 'answers')
    expect((await health.readiness()).status).toBe('starting')
    health.started()
    expect(await health.readiness()).toEqual({ status: 'ready', checks: { postgres: { ok: true, detail: 'answers' } } })
    health.stopping()
    expect((await health.readiness()).status).toBe('stopping')
  })

  it('is unready when one check fails, and says which and why', async () => {
    const health = startedHealth()
    health.check('fine', async () => {})
    health.check('relay', async () => {
      throw new ArtifactError('stream-forked', 'the stream is at 9, the log at 7')
    })
    expect(await health.readiness()).toEqual({
      status: 'unready',
      checks: { fine: { ok: true }, relay: { ok: false, detail: 'the stream is at 9, the log at 7' } },
    })
  })

  it('tells of a foreign error only its code', async () => {
    const health = startedHealth()
    health.check('postgres', async () => {
      throw Object.assign(new Error('password of admin is wrong'), { code: '28P01' })
    })
    expect((await health.readiness()).checks['postgres']).toEqual({ ok: false, detail: '28P01' })
  })

  it('does not wait for a check that hangs, even one that ignores its signal', async () => {
    const health = startedHealth()
    health.check('hangs', () => new Promise<void>(() => {}), { timeoutMs: 5 })
    expect(await health.readiness()).toEqual({
      status: 'unready',
      checks: { hangs: { ok: false, detail: 'no answer within 5 ms' } },
    })
  })

  it('aborts what a check still does when its time is over', async () => {
    const health = startedHealth()
    let reason: unknown
    health.check('slow', signal => new Promise<void>(() => signal.addEventListener('abort', () => (reason = signal.reason))), {
      timeoutMs: 5,
    })
    await health.readiness()
    expect(reason).toBeInstanceOf(DOMException)
  })

  it('asks once, however often and by how many it is probed', async () => {
    const health = startedHealth(60_000)
    let asked = 0
    health.check('counted', async () => void asked++)
    await Promise.all([health.readiness(), health.readiness()])
    await health.readiness()
    expect(asked).toBe(1)
  })

  it('asks anew when the answer is too old', async () => {
    const health = startedHealth(0)
    let asked = 0
    health.check('counted', async () => void asked++)
    await health.readiness()
    await health.readiness()
    expect(asked).toBe(2)
  })
})

function startedHealth(cacheMs?: number): Health {
  const health = new Health({ cacheMs })
  health.started()
  return health
}
