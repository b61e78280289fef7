import { randomInt } from 'node:crypto'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { chooseFaults } from './kinds/catalogue.ts'
import { sabotage } from './kinds/sabotage.ts'
import { makePlan, type Plan } from './plan.ts'
import { run } from './run.ts'
import { createTally } from './tally.ts'
import { keepForGood, openWorkplace } from './workplace.ts'
import { findFakeClock } from './world/clock.ts'
import { canMount } from './world/disk.ts'
import { makeTemplate } from './world/template.ts'

const { values } = parseArgs({
  options: {
    /** How many, with the seeds from `seed` on. */
    runs: { type: 'string', default: '1' },
    seed: { type: 'string', default: String(randomInt(2 ** 31)) },
    /** How long there is load and trouble in each. */
    seconds: { type: 'string', default: '5' },
    /** Faults, e.g. `kill,cut:gateway-postgres`. */
    only: { type: 'string' },
    /** How many runs go on at a time. */
    'at-once': { type: 'string', default: '1' },
    /** How many seconds the system may take to come back. */
    patience: { type: 'string', default: '60' },
    /** Does what no system could hide, to see that it is found. */
    sabotage: { type: 'boolean', default: false },
  },
})
const [runs, firstSeed, seconds] = [Number(values.runs), Number(values.seed), Number(values.seconds)]
const patience = Number(values.patience) * 1000
const faults = values.sabotage ? [sabotage] : chooseFaults(values.only)
const say = (line: string) => void process.stdout.write(`${line}\n`)

// Whatever of a run that was broken off still waits for something is not waited for.
process.exit(await main())

/** @returns the exit code. */
async function main(): Promise<number> {
  await using workplace = await openWorkplace()
  const stopping = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => {
      say(`told to stop (${signal})`)
      stopping.abort()
    })
  const fakeClock = findFakeClock()
  const possible = { 'small-disks': await canMount(workplace.directory), 'fake-clock': fakeClock !== undefined }
  const template = await makeTemplate(workplace.directory)
  const tally = createTally(possible)
  say(`${runs} runs of ${seconds} s, from seed ${firstSeed}`)
  for (const line of tally.impossible()) say(line)

  const runOnce = async (seed: number) => {
    const plan = planOf(seed)
    // What is impossible here leaves the rest of the plan as it is elsewhere.
    const faultsHere = plan.faults.filter(({ fault: { needs } }) => needs === undefined || possible[needs])
    const directory = join(workplace.directory, `run-${seed}`)
    const planHere = { ...plan, faults: faultsHere }
    const result = await run({ plan: planHere, template, directory, fakeClock, patience, signal: stopping.signal })
    if (stopping.signal.aborted) return
    const kept = result.violations.length > 0 ? await keepForGood(directory, `seed-${seed}`) : undefined
    for (const line of tally.add(plan, result, repeat(seed), kept)) say(line)
  }
  let next = 0
  const worker = async () => {
    for (let index = next++; index < runs && !stopping.signal.aborted; index = next++) await runOnce(firstSeed + index)
  }
  await Promise.all(Array.from({ length: Number(values['at-once']) }, worker))
  for (const line of tally.summary()) say(line)
  if (stopping.signal.aborted) return 130
  return tally.failed ? 1 : 0
}

function planOf(seed: number): Plan {
  const plan = makePlan(seed, seconds, faults)
  return values.sabotage ? { ...plan, faults: plan.faults.slice(0, 1) } : plan
}

function repeat(seed: number): string {
  const choices = [...(values.only === undefined ? [] : ['--only', values.only]), ...(values.sabotage ? ['--sabotage'] : [])]
  return `npm run faults -- --runs 1 --seed ${seed} --seconds ${seconds} ${choices.join(' ')}`.trim()
}
