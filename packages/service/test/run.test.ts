import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, it } from 'vitest'

const children = new Set<ChildProcessWithoutNullStreams>()
afterEach(() => {
  for (const child of children) child.kill('SIGKILL')
  children.clear()
})

describe('a process', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)(
    'stops cleanly on %s: streams end, deferred work is undone in reverse, exit code 0',
    async signal => {
      const service = start({ GREETING: 'hello' })
      const url = await service.ready()
      const stream = await fetch(`${url}/stream`)
      service.child.kill(signal)
      expect(await stream.text()).toBe('first;bye')
      expect(await service.exit).toBe(0)
      const said = service.lines.map(line => line['msg'])
      expect(said.filter(msg => /stop|disposed/.test(String(msg)))).toEqual([
        'stopping',
        'disposed last-deferred',
        'disposed first-deferred',
        'stopped',
      ])
    },
  )

  it('is unready and answers on while it drains, and stops then', async () => {
    const service = start({ GREETING: 'hello', STOP_DRAIN_SECONDS: '1' })
    const url = await service.ready()
    service.child.kill('SIGTERM')
    await service.line('stopping')
    expect((await fetch(`${url}/health/ready`)).status).toBe(503)
    expect((await fetch(`${url}/health/live`)).status).toBe(200)
    expect(await service.exit).toBe(0)
    await expect(fetch(`${url}/health/live`)).rejects.toThrow('fetch failed')
  })

  it('is not hurried by a second signal', async () => {
    const service = start({ GREETING: 'hello' })
    await service.ready()
    service.child.kill('SIGINT')
    service.child.kill('SIGTERM')
    expect(await service.exit).toBe(0)
  })

  it('stops when its parent is gone, where it is told to watch for that', async () => {
    const service = start({ GREETING: 'hello', ARTIFACT_STORE_PARENT: 'stdin' })
    await service.ready()
    service.child.stdin.end()
    expect(await service.exit).toBe(0)
  })

  it('lists every wrong setting and exits with 1, without a stack', async () => {
    const service = start({ PORT: 'x', LOG_LEVEL: 'loud' })
    expect(await service.exit).toBe(1)
    expect(service.stderr()).toBe(
      [
        'test-service cannot start; these settings are wrong:',
        '  PORT: "x" is not a port (give a whole number from 0 to 65535)',
        '  LOG_LEVEL: "loud" is not known (give one of trace, debug, info, warn, error, fatal, silent)',
        '  GREETING: is missing (give a text)',
        '',
      ].join('\n'),
    )
    expect(service.lines).toEqual([])
  })

  it('says in a sentence that its port is taken', async () => {
    const first = start({ GREETING: 'hello' })
    const port = new URL(await first.ready()).port
    const second = start({ GREETING: 'hello', PORT: port })
    expect(await second.exit).toBe(1)
    expect(second.lines).toEqual([
      expect.objectContaining({
        level: 'fatal',
        msg: `cannot start: port ${port} on 127.0.0.1 is already in use: stop what listens there, or set PORT to another`,
      }),
    ])
  })

  it('is live, not ready, and answers 503 while it still starts, and can be stopped then', async () => {
    const service = start({ GREETING: 'hello', MODE: 'waits' })
    const { url } = await service.line('listening')
    expect((await fetch(`${url}/health/live`)).status).toBe(200)
    const ready = await fetch(`${url}/health/ready`)
    expect(ready.status).toBe(503)
    expect(await ready.json()).toMatchObject({ status: 'starting' })
    const other = await fetch(`${url}/hello`)
    expect(other.status).toBe(503)
    expect(other.headers.get('retry-after')).toBe('1')
    service.child.kill('SIGTERM')
    expect(await service.exit).toBe(0)
  })

  it('exits with 1 and undoes what it did when its start fails', async () => {
    const service = start({ GREETING: 'hello', MODE: 'fails' })
    expect(await service.exit).toBe(1)
    expect(service.lines.at(-1)).toMatchObject({
      level: 'fatal',
      msg: 'cannot go on: no luck today',
      err: { stack: expect.any(String) },
    })
    expect(service.lines).toContainEqual(expect.objectContaining({ msg: 'disposed first-deferred' }))
  })

  it('exits with 1 and a fatal line on a rejection that nobody caught', async () => {
    const service = start({ GREETING: 'hello', MODE: 'breaks' })
    expect(await service.exit).toBe(1)
    expect(service.lines.at(-1)).toMatchObject({ level: 'fatal', msg: 'uncaught: nobody caught this' })
  })

  it('ends even when something that it should dispose of hangs', async () => {
    const service = start({ GREETING: 'hello', MODE: 'hangs', STOP_GRACE_SECONDS: '0' })
    await service.ready()
    service.child.kill('SIGTERM')
    expect(await service.exit).toBe(1)
    expect(service.lines.at(-1)).toMatchObject({ level: 'fatal', msg: 'did not stop in time' })
  })

  it('shows no secret of its configuration in its log', async () => {
    const service = start({ GREETING: 'hello', TOKEN: 'hunter2' })
    await service.ready()
    expect(JSON.stringify(service.lines)).not.toContain('hunter2')
    expect(JSON.stringify(service.lines)).toContain('[redacted]')
  })
})

function start(env: Record<string, string>) {
  const child = spawn(process.execPath, [fileURLToPath(new URL('fixtures/test-service.ts', import.meta.url))], { env })
  children.add(child)
  const lines: Record<string, unknown>[] = []
  let stderr = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    stderr += text
  })
  const reader = createInterface({ input: child.stdout })
  reader.on('line', line => lines.push(JSON.parse(line)))
  const exit = once(child, 'close').then(([code]) => code)
  const line = async (msg: string): Promise<Record<string, unknown>> => {
    for (;;) {
      const found = lines.find(candidate => candidate['msg'] === msg)
      if (found !== undefined) return found
      const ended = await Promise.race([once(reader, 'line').then(() => false), exit.then(() => true)])
      if (ended) throw new Error(`it ended without saying "${msg}": ${JSON.stringify(lines)} ${stderr}`)
    }
  }
  const ready = async (): Promise<string> => {
    const { url } = await line('listening')
    await line('started')
    return String(url)
  }
  return { child, lines, exit, line, ready, stderr: () => stderr }
}
