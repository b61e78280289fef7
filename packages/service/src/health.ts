import { setTimeout as delay } from 'node:timers/promises'
import { isArtifactError } from '@artifact-store/core'

/**
 * Looks at one thing that a process depends on. Resolves when the work can be done, optionally with a remark, or with a warning: something is not as
 * it should be, and somebody had better look before it gets worse. Throws when the work cannot be done.
 */
export type Probe = (signal: AbortSignal) => Promise<string | Warning | undefined> | Promise<void>

export interface Warning {
  readonly warning: string
}

export interface CheckResult {
  /** False when this keeps the process from being ready. */
  readonly ok: boolean
  readonly state: CheckState
  /** When it was first seen so, in RFC 3339. */
  readonly since: string
  /** In words: how it stands, or what is wrong. */
  readonly detail?: string | undefined
}

export type CheckState = 'ok' | 'warning' | 'failing'

export interface Readiness {
  readonly status: 'ready' | 'unready' | 'starting' | 'stopping'
  readonly checks: Readonly<Record<string, CheckResult>>
}

export interface HealthOptions {
  /** How long an answer is reused, in milliseconds, so that probing costs nothing however often it is done. */
  readonly cacheMs?: number | undefined
}

/**
 * Whether a process can do its work: a named check for each thing it depends on. Ready means started, not stopping, and no check
 * failing or silent.
 */
export class Health {
  readonly #checks = new Map<string, Check>()
  readonly #cacheMs: number
  #phase: 'starting' | 'running' | 'stopping' = 'starting'
  #cached: { at: number; checks: Promise<Readiness['checks']> } | undefined

  constructor(options: HealthOptions = {}) {
    this.#cacheMs = options.cacheMs ?? 1000
  }

  /** Registers a check; a second one of the same name takes the first one's place. `timeoutMs` defaults to 2 s. */
  check(name: string, probe: Probe, options: { timeoutMs?: number | undefined } = {}): void {
    this.#checks.set(name, { probe, timeoutMs: options.timeoutMs ?? 2000 })
    this.#cached = undefined
  }

  started(): void {
    if (this.#phase === 'starting') this.#phase = 'running'
  }

  stopping(): void {
    this.#phase = 'stopping'
  }

  async readiness(): Promise<Readiness> {
    const now = performance.now()
    if (this.#cached === undefined || now - this.#cached.at >= this.#cacheMs)
      this.#cached = { at: now, checks: this.#runChecks() }
    const checks = await this.#cached.checks
    if (this.#phase !== 'running') return { status: this.#phase, checks }
    return { status: Object.values(checks).every(check => check.ok) ? 'ready' : 'unready', checks }
  }

  async #runChecks(): Promise<Readiness['checks']> {
    const entries = [...this.#checks].map(async ([name, check]) => {
      const { state, detail } = await runCheck(check)
      if (check.seen?.state !== state) check.seen = { state, since: new Date().toISOString() }
      return [name, { ok: state !== 'failing', ...check.seen, ...(detail === undefined ? {} : { detail }) }] as const
    })
    return Object.fromEntries(await Promise.all(entries))
  }
}

interface Check {
  readonly probe: Probe
  readonly timeoutMs: number
  seen?: Pick<CheckResult, 'state' | 'since'>
}

type Seen = Pick<CheckResult, 'state' | 'detail'>

async function runCheck({ probe, timeoutMs }: Check): Promise<Seen> {
  const done = new AbortController()
  // Raced as well as signalled: a probe that ignores its signal must not hold up the answer.
  const late = delay(timeoutMs, undefined, { signal: done.signal }).then(
    (): Seen => ({ state: 'failing', detail: `no answer within ${timeoutMs} ms` }),
    (): Seen => ({ state: 'failing' }),
  )
  const probed = attempt(probe, AbortSignal.any([done.signal, AbortSignal.timeout(timeoutMs)]))
  try {
    return await Promise.race([probed, late])
  } finally {
    done.abort()
  }
}

async function attempt(probe: Probe, signal: AbortSignal): Promise<Seen> {
  try {
    const remark = (await probe(signal)) ?? undefined
    return typeof remark === 'object' ? { state: 'warning', detail: remark.warning } : { state: 'ok', detail: remark }
  } catch (error) {
    return { state: 'failing', detail: explain(error) }
  }
}

/** Health is told without a token: our own sentences are shown, of others only the code or the name. */
function explain(error: unknown): string {
  if (isArtifactError(error)) return error.message
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return 'failed'
}
