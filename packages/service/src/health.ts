import { setTimeout as delay } from 'node:timers/promises'
import { isArtifactError } from '@artifact-store/core'

/** Resolves when the thing works, optionally with a remark; throws when it does not. */
export type Probe = (signal: AbortSignal) => Promise<string | undefined> | Promise<void>

export interface CheckResult {
  readonly ok: boolean
  readonly detail?: string | undefined
}

export interface Readiness {
  readonly status: 'ready' | 'unready' | 'starting' | 'stopping'
  readonly checks: Readonly<Record<string, CheckResult>>
}

export interface HealthOptions {
  /** How long an answer is reused, in milliseconds, so that probing costs nothing however often it is done. */
  readonly cacheMs?: number | undefined
}

/**
 * Whether a process can do its work: a named check for each thing it depends on. Ready means started, not stopping, and every
 * check passed within its timeout.
 */
export class Health {
  readonly #checks = new Map<string, { probe: Probe; timeoutMs: number }>()
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
    const entries = [...this.#checks].map(
      async ([name, { probe, timeoutMs }]) => [name, await runCheck(probe, timeoutMs)] as const,
    )
    return Object.fromEntries(await Promise.all(entries))
  }
}

async function runCheck(probe: Probe, timeoutMs: number): Promise<CheckResult> {
  const done = new AbortController()
  // Raced as well as signalled: a probe that ignores its signal must not hold up the answer.
  const late = delay(timeoutMs, undefined, { signal: done.signal }).then(
    (): CheckResult => ({ ok: false, detail: `no answer within ${timeoutMs} ms` }),
    (): CheckResult => ({ ok: false }),
  )
  const probed = attempt(probe, AbortSignal.any([done.signal, AbortSignal.timeout(timeoutMs)]))
  try {
    return await Promise.race([probed, late])
  } finally {
    done.abort()
  }
}

async function attempt(probe: Probe, signal: AbortSignal): Promise<CheckResult> {
  try {
    return { ok: true, detail: (await probe(signal)) ?? undefined }
  } catch (error) {
    return { ok: false, detail: explain(error) }
  }
}

/** Health is told without a token: our own sentences are shown, of others only the code or the name. */
function explain(error: unknown): string {
  if (isArtifactError(error)) return error.message
  if (error instanceof Error) return 'code' in error && typeof error.code === 'string' ? error.code : error.name
  return 'failed'
}
