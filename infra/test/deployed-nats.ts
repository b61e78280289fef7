import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { findNatsServer, freePort } from '@artifact-store/embedded'
import { newNatsDirectory } from '@artifact-store/testkit'
import { connect, type NatsConnection } from 'nats'
import { handOut } from '../setup/hand-out.ts'
import { openSecrets } from '../setup/secrets.ts'

/** A NATS server as docker-compose.yml runs it: with the configuration in infra/nats, and the passwords that the setup makes. */
export interface DeployedNats extends AsyncDisposable {
  readonly address: string
  /** What the setup gave that container as its NATS_URL, but for the address. */
  url(owner: Login): Promise<string>
  /** A connection with that login; closed with the server. */
  as(owner: Login): Promise<NatsConnection>
}

/** The containers that have a login. */
export type Login = 'log-writer' | 'projector' | 'gateway' | 'subscriber'

export async function startDeployedNats(): Promise<DeployedNats> {
  await using stack = new AsyncDisposableStack()
  const directory = newNatsDirectory()
  await cp(join(import.meta.dirname, '..', 'nats'), directory, { recursive: true })
  const [kept, given, shares] = ['kept', 'given', 'shares'].map(name => join(directory, name)) as [string, string, string]
  for (const directory of [
    kept,
    ...['nats', 'log-writer', 'projector', 'gateway', 'subscriber'].map(owner => join(shares, owner)),
  ])
    await mkdir(directory, { recursive: true })
  handOut(openSecrets({ kept, given }), shares)
  await cp(join(shares, 'nats'), join(directory, 'passwords'), { recursive: true })

  const port = await freePort()
  const command = findNatsServer()
  if (!command) throw new Error('there is no nats-server on PATH and none is shipped for this platform')
  const places = ['--addr', '127.0.0.1', '--port', String(port), '--store_dir', directory]
  const server = spawn(command.path, ['--config', join(directory, 'single.conf'), ...places], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  stack.defer(async () => {
    server.kill('SIGKILL')
    await once(server, 'close')
  })
  const said: string[] = []
  for await (const line of createInterface({ input: server.stderr })) {
    said.push(line)
    if (line.includes('Server is ready')) break
  }
  if (!said.at(-1)?.includes('Server is ready')) throw new Error(`NATS did not start:\n${said.join('\n')}`)
  server.stderr.resume()

  const url = async (owner: Login) =>
    (await readFile(join(shares, owner, 'nats-url'), 'utf8')).trim().replace('@nats:4222', `@127.0.0.1:${port}`)
  const started = stack.move()
  return {
    address: `127.0.0.1:${port}`,
    url,
    async as(owner) {
      const { username: user, password: pass, host } = new URL(await url(owner))
      const connection = await connect({ servers: host, user, pass, reconnect: false })
      started.defer(() => connection.close())
      return connection
    },
    [Symbol.asyncDispose]: () => started.disposeAsync(),
  }
}
