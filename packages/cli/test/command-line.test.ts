import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { run, Stopped } from '../src/run.ts'

async function artifact(args: readonly string[], signal: AbortSignal = new AbortController().signal) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()]
  const exitCode = await run(args, { stdout, stderr, signal })
  return { exitCode, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') }
}

describe('the command line', () => {
  it.each([
    [['nope'], "unknown command 'nope'"],
    [['push'], "missing required argument 'directory'"],
    [['push', 'dir', '--kind', 'evidence'], "required option '--name <name>' not specified"],
    [['push', 'dir', '--name', 'a'], "required option '--kind <kind>' not specified"],
    [['push', 'dir', '--name', 'a', '--kind', 'b', '--label', 'no-value'], 'Give it as key=value.'],
    [['push', 'dir', '--package', 'x', '--name', 'a'], "cannot be used with option '--name <name>'"],
    [['ls', '--limit', '0'], 'Give a whole number from 1'],
    [['ls', '--state', 'lost'], 'Allowed choices are open, finalized'],
    [['token', 'create', '--actor', 'ci', '--scope', 'everything'], 'Give read, write or admin.'],
    [['events', '--after', '-1'], 'Give a whole number from 0'],
    [['admin', 'rebuild', 'nope'], 'nope'],
    [['pull', 'id', 'file', '--archive', 'rar'], 'Allowed choices are tar, zip'],
  ])('%j is wrong, which is exit code 2 and a sentence', async (args, sentence) => {
    const { exitCode, out, err } = await artifact(args)
    expect(exitCode).toBe(2)
    expect(out).toBe('')
    expect(err).toMatch(/^artifact: /)
    expect(err).toContain(sentence)
    expect(err).toContain('--help"')
  })

  it('shows help on stdout, which is no failure', async () => {
    const { exitCode, out } = await artifact(['push', '--help'])
    expect(exitCode).toBe(0)
    expect(out).toContain('Usage: artifact push [options] <directory>')
  })

  it('fails with exit code 1 and a sentence, without a stack trace', async () => {
    const { exitCode, err } = await artifact([
      '--url',
      'http://127.0.0.1:8080',
      '--token',
      't',
      'push',
      '/nowhere/at/all',
      '--name',
      'a',
      '--kind',
      'b',
    ])
    expect({ exitCode, err }).toEqual({ exitCode: 1, err: 'artifact: there is no directory /nowhere/at/all\n' })
  })

  it('ends with the exit code of what stopped it', async () => {
    const { exitCode } = await artifact(
      ['--token', 't', '--url', 'http://127.0.0.1:9', 'ls'],
      AbortSignal.abort(new Stopped('SIGINT', 130)),
    )
    expect(exitCode).toBe(130)
  })
})

describe('options that all commands take', () => {
  it('may stand before the command and behind it', async () => {
    const asked: (string | undefined)[] = []
    const server = createServer((request, response) => {
      asked.push(request.headers.authorization)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"packages":[]}')
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    expect(await artifact(['--url', url, '--token', 'before', '--json', 'ls'])).toMatchObject({
      exitCode: 0,
      out: expect.stringContaining('"packages": []'),
    })
    expect(await artifact(['ls', '--url', url, '--token', 'behind'])).toEqual({
      exitCode: 0,
      out: '',
      err: 'artifact: there are no such packages\n',
    })
    expect(asked).toEqual(['Bearer before', 'Bearer behind'])
    await new Promise(resolve => server.close(resolve))
  })
})
