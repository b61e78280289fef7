import { ArtifactError } from '@artifact-store/core'
import { describe, expect, it } from 'vitest'
import { healthMetrics } from '../src/health-metrics.ts'
import { createMetrics, Health, type Probe } from '../src/index.ts'

describe('health', () => {
  it('is starting, then ready while every check passes, then stopping', async () => {
    const health = new Health()
    health.check('postgres', async () => 'answers')
    expect((await health.readiness()).status).toBe('starting')
    health.started()
    expect(await health.readiness()).toEqual({
      status: 'ready',
      checks: { postgres: { ok: true, state: 'ok', since: expect.stringMatching(/^\d{4}-.*Z$/), detail: 'answers' } },
    })
    health.stopping()
    expect((await health.readiness()).status).toBe('stopping')
  })

  it('is unready when one check fails, and says which and why', async () => {
    const health = startedHealth()
    health.check('fine', async () => {})
    health.check('relay', async () => {
      throw new ArtifactError('stream-forked', 'the stream is at 9, the log at 7')
    })
    expect(await health.readiness()).toMatchObject({
      status: 'unready',
      checks: { fine: { ok: true }, relay: { ok: false, state: 'failing', detail: 'the stream is at 9, the log at 7' } },
    })
  })

  it('stays ready with a warning, which says what to look at', async () => {
    const health = startedHealth()
    health.check('disk', async () => ({ warning: '1.0 GB of 100.0 GB are free' }))
    expect(await health.readiness()).toMatchObject({
      status: 'ready',
      checks: { disk: { ok: true, state: 'warning', detail: '1.0 GB of 100.0 GB are free' } },
    })
  })

  it('tells since when a check stands as it does, whatever it remarks meanwhile', async () => {
    const health = startedHealth(0)
    let asked = 0
    let probe: Probe = async () => `asked ${++asked} times`
    health.check('postgres', signal => probe(signal))
    const since = async () => Object.values((await health.readiness()).checks)[0]?.since
    const first = await since()
    await expect.poll(() => new Date().toISOString()).not.toBe(first)
    expect(await since()).toBe(first)
    probe = async () => {
      throw new ArtifactError('backend-unavailable', 'it is away')
    }
    const broken = await since()
    expect(broken).not.toBe(first)
    expect(await since()).toBe(broken)
  })

  it('is told in metrics, for those who read nothing else', async () => {
    const health = startedHealth()
    const metrics = createMetrics('test')
    healthMetrics(metrics, health)
    health.check('fine', async () => {})
    health.check('disk', async () => ({ warning: 'nearly full' }))
    expect(await metrics.metrics()).toMatch(/^artifact_store_ready 1$/m)
    health.check('postgres', async () => {
      throw new Error('away')
    })
    const text = await metrics.metrics()
    expect(text).toMatch(/^artifact_store_ready 0$/m)
    expect(text).toContain('artifact_store_check{check="fine",state="ok"} 1')
    expect(text).toContain('artifact_store_check{check="disk",state="warning"} 1')
    expect(text).toContain('artifact_store_check{check="postgres",state="failing"} 1')
    expect(text).toContain('artifact_store_check{check="postgres",state="ok"} 0')
  })

  it('tells of a foreign error only its code', async () => {
    const health = startedHealth()
    health.check('postgres', async () => {
      throw Object.assign(new Error('password of admin is wrong'), { code: '28P01' })
    })
    expect((await health.readiness()).checks['postgres']).toMatchObject({ ok: false, detail: '28P01' })
  })

  it('does not wait for a check that hangs, even one that ignores its signal', async () => {
    const health = startedHealth()
    health.check('hangs', () => new Promise<void>(() => {}), { timeoutMs: 5 })
    expect(await health.readiness()).toMatchObject({
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
