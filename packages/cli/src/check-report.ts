import type { Output } from './output.ts'
import { printable } from './printable.ts'

interface CheckFinding {
  readonly part: string
  readonly at?: string | undefined
  readonly says: string
  readonly advice?: string | undefined
}

/** Where the findings of a check go, one by one: their number has no bound. */
export interface CheckReport {
  /** How many there were so far. */
  readonly findings: number
  finding(finding: CheckFinding): Promise<void>
  /** What was looked at in a part: a sentence for a person, and the same as data. */
  part(name: string, sentence: string, facts: object): Promise<void>
  end(): Promise<void>
}

/** As lines for a person: the first `limit` findings, and how many there were beyond. */
export function linesReport(output: Output, limit: number): CheckReport {
  let findings = 0
  return {
    get findings() {
      return findings
    },
    async finding({ part, at, says, advice }) {
      findings += 1
      if (findings > limit) return
      const where = at === undefined ? '' : `${at}: `
      await output.line(printable(`NO  ${part}: ${where}${says}${advice === undefined ? '' : ` (${advice})`}`))
    },
    part: (name, sentence) => output.line(printable(`${name.padEnd(8)}${sentence}`)),
    async end() {
      if (findings > limit) await output.line(`NO  and ${findings - limit} more, which --limit or --json show`)
    },
  }
}

/** As one JSON document that is written as it comes to be: `{"findings":[…],"parts":{…}}`. */
export function jsonReport(output: Output): CheckReport {
  let findings = 0
  const parts: Record<string, object> = {}
  return {
    get findings() {
      return findings
    },
    async finding(finding) {
      await output.line(`${findings === 0 ? '{"findings":[' : ','}${JSON.stringify(finding)}`)
      findings += 1
    },
    async part(name, _, facts) {
      parts[name] = facts
    },
    end: () => output.line(`${findings === 0 ? '{"findings":[' : ''}],"parts":${JSON.stringify(parts)}}`),
  }
}
