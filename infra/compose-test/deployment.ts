import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { freePort } from '@artifact-store/embedded'
import { until } from './checks.ts'
import { docker } from './docker.ts'

export const repository = resolve(import.meta.dirname, '..', '..')

/** How a container is: `running` where it has no health check. */
export interface ContainerState {
  readonly pid: number
  readonly status: string
  readonly health: string
  readonly restarts: number
  /** What its last health check said. */
  readonly said: string
}

/** A project of Compose as an operator has it: the files of this repository, with the settings of .env.example. Disposing destroys it and its data. */
export class Deployment implements AsyncDisposable {
  readonly directory: string
  readonly url: string
  readonly #compose: readonly string[]
  readonly #env: Readonly<Record<string, string>>
  readonly #forScripts: Readonly<Record<string, string>>

  private constructor(directory: string, port: number, project: string, files: readonly string[]) {
    this.directory = directory
    this.url = `http://127.0.0.1:${port}`
    const named = ['docker-compose.yml', ...files].flatMap(file => ['--file', join(repository, file)])
    this.#compose = ['compose', '--project-name', project, '--env-file', join(repository, '.env.example'), ...named]
    this.#env = { ARTIFACT_STORE_PORT: String(port) }
    this.#forScripts = {
      COMPOSE_PROJECT_NAME: project,
      COMPOSE_FILE: ['docker-compose.yml', ...files].join(':'),
      COMPOSE_ENV_FILES: '.env.example',
    }
  }

  /** @param files of infra/compose, beside docker-compose.yml. */
  static async prepare(project: string, files: readonly string[] = []): Promise<Deployment> {
    const deployment = new Deployment(await mkdtemp(join(tmpdir(), 'artifact-store-compose-')), await freePort(), project, files)
    // What a run that was killed has left.
    await deployment.down('with its data')
    return deployment
  }

  compose(...args: readonly string[]): Promise<string> {
    return docker([...this.#compose, ...args], { env: this.#env, timeout: 900_000 })
  }

  /** The arguments and the environment of a compose command, for one that goes on. */
  command(...args: readonly string[]): { readonly args: readonly string[]; readonly env: Readonly<Record<string, string>> } {
    return { args: [...this.#compose, ...args], env: this.#env }
  }

  async up(): Promise<void> {
    await this.compose('up', '--detach', '--wait', '--wait-timeout', '300')
  }

  /** Runs a script of this repository that calls docker compose, as for this deployment. */
  async script(path: string, ...args: readonly string[]): Promise<void> {
    const env = { ...process.env, ...this.#env, ...this.#forScripts }
    await promisify(execFile)(join(repository, path), [...args], { env, maxBuffer: 64 * 1024 * 1024 })
  }

  /** Starts a container that was stopped, and nothing else: compose would start what it depends on, too. */
  async start(service: string): Promise<void> {
    await docker(['start', await this.container(service)])
  }

  async down(what: 'keeping its data' | 'with its data'): Promise<void> {
    await this.compose(
      '--profile',
      'tools',
      'down',
      '--timeout',
      '20',
      '--remove-orphans',
      ...(what === 'with its data' ? ['--volumes'] : []),
    )
  }

  /** The first admin token, as the documents tell to get it. */
  async token(): Promise<string> {
    return (await this.compose('exec', '-T', 'gateway', 'cat', '/run/artifact-store/admin-token')).trim()
  }

  async container(service: string): Promise<string> {
    const id = (await this.compose('ps', '--all', '--quiet', service)).trim()
    if (id === '') throw new Error(`there is no container of ${service}`)
    return id
  }

  async state(service: string): Promise<ContainerState> {
    const format = '{{json .State}}\n{{.RestartCount}}'
    const [state = '', restarts] = (await docker(['inspect', '--format', format, await this.container(service)])).split('\n')
    const { Pid: pid, Status: status, Health } = JSON.parse(state) as RawState
    return { pid, status, health: Health?.Status ?? status, restarts: Number(restarts), said: Health?.Log?.at(-1)?.Output ?? '' }
  }

  /** Ends the process in a container as a crash would: from outside, so that the engine does what it does after a crash. @returns when it is healthy again. */
  async crash(service: string): Promise<void> {
    const before = await this.state(service)
    const kill = `process.kill(${before.pid}, 'SIGKILL')`
    await docker([
      'run',
      '--rm',
      '--pid=host',
      '--network=none',
      '--user=0',
      '--entrypoint=node',
      'artifact-store-setup',
      '-e',
      kill,
    ])
    await until(`${service} is started again`, async () => (await this.state(service)).restarts > before.restarts)
    await this.healthy(service)
  }

  async healthy(service: string): Promise<void> {
    await until(`${service} is healthy`, async () => ['healthy', 'running'].includes((await this.state(service)).health))
  }

  /** What something answers to a container of the deployment: status and body. */
  async ask(service: string, url: string): Promise<{ readonly status: number; readonly body: string }> {
    const script =
      'fetch(process.argv[1]).then(async r => console.log(JSON.stringify({ status: r.status, body: await r.text() })))'
    return JSON.parse(await this.compose('exec', '-T', service, 'node', '-e', script, url)) as { status: number; body: string }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down('with its data')
    await rm(this.directory, { recursive: true, force: true })
  }
}

interface RawState {
  readonly Pid: number
  readonly Status: string
  readonly Health?: { readonly Status: string; readonly Log?: readonly { readonly Output: string }[] }
}
