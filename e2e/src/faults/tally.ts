import type { Fault } from './kinds/fault.ts'
import type { Plan } from './plan.ts'
import type { RunResult } from './run.ts'

export type Possible = Readonly<Record<NonNullable<Fault['needs']>, boolean>>

/** Counts what was run and what came of it, and puts it into lines for a person. */
export interface Tally {
  readonly failed: boolean
  /** What this machine does not allow, and what would. */
  impossible(): string[]
  /** The lines of one run; `kept` is where what is left of a failed one lies. */
  add(plan: Plan, result: RunResult, repeat: string, kept: string | undefined): string[]
  summary(): string[]
}

const wants: Readonly<Record<keyof Possible, string>> = {
  'small-disks': 'full disks are left out: no file system can be mounted here (it takes root)',
  'fake-clock': 'stepped clocks are left out: libfaketime is not installed (Debian: apt-get install libfaketime)',
}

export function createTally(possible: Possible): Tally {
  const isPossible = (fault: Fault) => fault.needs === undefined || possible[fault.needs]
  const injected = new Map<string, number>()
  const leftOut = new Map<string, number>()
  const sums = { runs: 0, failed: 0, events: 0, appends: 0, unknown: 0, longTransactions: 0, smallPartitions: 0 }
  return {
    get failed() {
      return sums.failed > 0
    },
    impossible: () => (Object.keys(wants) as (keyof Possible)[]).filter(need => !possible[need]).map(need => wants[need]),
    add(plan, result, repeat, kept) {
      for (const { fault } of plan.faults) increase(isPossible(fault) ? injected : leftOut, fault.name)
      const { violations, events, appends, unknown, refused, gatewayCalls, reads, deliveries } = result
      sums.runs += 1
      sums.events += events
      sums.appends += appends
      sums.unknown += unknown
      if (plan.longTransaction) sums.longTransactions += 1
      if (plan.smallPartitions) sums.smallPartitions += 1
      const faults = plan.faults.map(({ fault }) => (isPossible(fault) ? fault.name : `(${fault.name})`)).join(' ')
      const told = [
        `${events} events`,
        `${appends} appends (${unknown} unanswered, ${refused} refused)`,
        `${gatewayCalls} calls and ${reads} reads of the gateway`,
        `${deliveries} connections of subscribers`,
      ].join(', ')
      const held = `${plan.longTransaction ? ', long transaction' : ''}${plan.smallPartitions ? ', small partitions' : ''}`
      if (violations.length === 0) return [`seed ${plan.seed}: ok — ${told}${held} — ${faults}`]
      sums.failed += 1
      return [
        `seed ${plan.seed}: FAILED — ${told}${held} — ${faults}`,
        ...violations.map(({ rule, message }) => `  ${rule}: ${message.slice(0, 500)}`),
        `  to have it again: ${repeat}`,
        `  history and logs: ${kept}`,
      ]
    },
    summary() {
      const counts = (map: ReadonlyMap<string, number>) => {
        const names = [...map].sort(([a], [b]) => (a < b ? -1 : 1))
        return names.map(([name, count]) => `  ${String(count).padStart(5)}  ${name}`)
      }
      const total = [...injected.values()].reduce((sum, count) => sum + count, 0)
      return [
        '',
        `${sums.runs} runs, ${sums.failed} failed; ${total} faults, ${sums.events} events, ${sums.appends} appends of which ${sums.unknown} were not answered`,
        `${sums.longTransactions} runs had a transaction open the whole time, ${sums.smallPartitions} a log in many partitions; all had two log-writers that were both written to, and two projectors`,
        ...counts(injected),
        ...(leftOut.size > 0 ? ['left out, as this machine does not allow them:', ...counts(leftOut)] : []),
      ]
    },
  }
}

function increase(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1)
}
