import { once } from 'node:events'
import { mkdir, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { archiveLog } from './archive-log.ts'
import { check } from './check/check.ts'
import type { Evidence, Remains, Violation } from './check/evidence.ts'
import { createDice } from './dice.ts'
import { emptyHistory, type History } from './history.ts'
import { createImprinter } from './imprint.ts'
import { injectAll } from './inject.ts'
import { keepEvidence } from './keep-evidence.ts'
import { observe } from './observe.ts'
import type { Plan } from './plan.ts'
import { settle } from './settle.ts'
import { closingWrites } from './workload/closing-writes.ts'
import type { Load } from './workload/load.ts'
import { runLoad } from './workload/run-load.ts'
import { sourcesOf } from './workload/sources.ts'
import { createSubjects } from './workload/subjects.ts'
import { type Subscriber, subscribe } from './workload/subscriber.ts'
import { holdTransaction } from './world/long-transaction.ts'
import type { Template } from './world/template.ts'
import { openWorld, type World } from './world/world.ts'

export interface RunOptions {
  readonly plan: Plan
  readonly template: Template
  /** Of its own, made here; removed afterwards unless something was found. */
  readonly directory: string
  readonly fakeClock: string | undefined
  /** How long the system may take to come back when all is healed, in milliseconds. */
  readonly patience: number
  /** Breaks it off, and takes down all that it has started. */
  readonly signal: AbortSignal
}

export interface RunResult {
  readonly violations: readonly Violation[]
  /** How much was looked at. */
  readonly events: number
  readonly appends: number
  readonly gatewayCalls: number
  readonly reads: number
  /** Appends that nobody answered, and those that were refused. */
  readonly unknown: number
  readonly refused: number
  /** Connections of subscribers. */
  readonly deliveries: number
}

/** One run: a world of its own, load and faults by the plan, peace, and the judgement. */
export async function run(options: RunOptions): Promise<RunResult> {
  const { plan, directory } = options
  await mkdir(directory, { recursive: true, mode: 0o700 })
  const evidence = await gather(options)
  const violations = check(evidence)
  if (violations.length === 0) await rm(directory, { recursive: true, force: true, maxRetries: 5 })
  else await keepEvidence(directory, plan, evidence, violations)
  const { history, remains } = evidence
  const answered = (outcome: string) => history.appends.filter(call => call.answer.outcome === outcome).length
  return {
    violations,
    events: remains.log.length,
    appends: history.appends.length,
    gatewayCalls: history.gatewayCalls.length,
    reads: history.packageReads.length + history.pageReads.length,
    unknown: answered('unknown'),
    refused: answered('conflict') + answered('key-reused') + answered('refused'),
    deliveries: history.deliveries.length,
  }
}

/** Never throws: what keeps a run from being judged is itself a failure, with all that was seen until then. */
async function gather({ plan, template, directory, fakeClock, patience, signal }: RunOptions): Promise<Evidence> {
  const history = emptyHistory()
  const needs = new Set(plan.faults.map(({ fault }) => fault.needs))
  try {
    await using world = await openWorld({
      directory,
      template,
      gateways: plan.gateways,
      smallPartitions: plan.smallPartitions,
      smallDisks: needs.has('small-disks'),
      fakeClock: needs.has('fake-clock') ? fakeClock : undefined,
    })
    const stopped = once(signal, 'abort').then(() => Promise.reject(new Error('it was told to stop')))
    return { history, remains: await Promise.race([live(world, history, plan, patience), stopped]) }
  } catch (error) {
    const broken = `the run broke off: ${error instanceof Error ? error.stack : String(error)}`
    return { history, remains: { ...nothingThere, ownEnds: [], unsettled: [broken] } }
  }
}

async function live(world: World, history: History, plan: Plan, patience: number): Promise<Remains> {
  const dice = createDice(`load ${plan.seed}`)
  const imprint = await createImprinter()
  const over = new AbortController()
  const load: Load = { world, history, imprint, subjects: createSubjects(dice.fork('subjects')), kept: [], over: over.signal }
  await until('the system is up', () => world.parts.every(part => part.isUp) && everyServiceListens(world))

  await using subscribers = new AsyncDisposableStack()
  if (plan.longTransaction) subscribers.use(holdTransaction(() => world.postgresUrl()))
  const following: Subscriber[] = Object.entries(sourcesOf(world)).map(([name, source]) =>
    subscribers.use(subscribe(name, source, { history, imprint, after: 0 })),
  )
  const loading = runLoad(load, dice)
  const injection = injectAll(world, plan.faults)
  // When one of them fails, the others are not waited for any more.
  for (const work of [loading, injection.begun, injection.healed]) work.catch(() => undefined)
  await Promise.all([sleep(plan.seconds * 1000), injection.begun])
  over.abort()
  world.note('the load is over')
  await Promise.all([loading, injection.healed])
  world.note('all is healed')

  const unsettled = await settle({ world, subscribers: following, writes: () => closingWrites(load), patience })
  world.note(unsettled.length === 0 ? 'all is settled' : 'it did not settle')
  if (plan.smallPartitions) {
    // Also the transaction that was held open, for which a partition would wait.
    await subscribers.disposeAsync()
    await archiveLog(load, patience).catch((error: unknown) => {
      unsettled.push(`the log could not be archived: ${error instanceof Error ? error.stack : String(error)}`)
    })
  }
  const observed = await observe(world, imprint).catch((error: unknown) => {
    unsettled.push(`what is there cannot be read: ${error instanceof Error ? error.stack : String(error)}`)
    return nothingThere
  })
  // Whoever still listens while it is judged may add to what it was given.
  await subscribers.disposeAsync()
  return { ...observed, ownEnds: ownEnds(world), unsettled }
}

const nothingThere: Omit<Remains, 'ownEnds' | 'unsettled'> = {
  isWhole: false,
  log: [],
  stream: [],
  views: { position: 0, digest: '' },
  replayed: { position: 0, digest: '' },
  blobs: new Map(),
}

function everyServiceListens(world: World): boolean {
  return (['gateway', 'log-writer', 'projector'] as const).every(kind =>
    world.partsOf(kind).every(part => world.serviceUrl(part)),
  )
}

/** PostgreSQL and NATS may end over a full disk or damaged files, and are started again; our own processes may never. */
function ownEnds(world: World): string[] {
  return (['gateway', 'log-writer', 'projector'] as const)
    .flatMap(kind => world.partsOf(kind))
    .flatMap(({ name, ownEnds }) =>
      ownEnds.map(({ code, signal }) => `${name} ended by itself (${signal ?? `exit code ${code}`})`),
    )
}

async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = performance.now() + 120_000
  while (!holds()) {
    if (performance.now() > deadline) throw new Error(`within 2 minutes it did not happen that ${what}`)
    await sleep(20)
  }
}
