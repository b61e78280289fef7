import { ArtifactError, ArtifactStoreClient } from '@artifact-store/client'
import type { Command } from 'commander'
import { defineCommand, type Surroundings } from '../command.ts'
import { findConnection } from '../config.ts'
import { examine } from '../doctor/examine.ts'
import type { Finding } from '../doctor/finding.ts'
import { printable } from '../printable.ts'
import type { GlobalOptions } from '../session.ts'

interface DoctorFlags extends GlobalOptions {
  readonly write?: boolean
}

export function doctorCommand(surroundings: Surroundings): Command {
  return defineCommand(
    'doctor',
    'look at a running store from outside and say what is wrong and what to do; exit code 1 where something is',
  )
    .option('--write', 'also store a small blob and read it back (needs the write scope)')
    .action(async (_flags: object, command: Command) => {
      await run(surroundings, command.optsWithGlobals<DoctorFlags>())
    })
}

async function run({ output, signal }: Surroundings, flags: DoctorFlags): Promise<void> {
  const { url, token } = findConnection(flags)
  // Asks once: what comes right by itself a moment later is a finding too.
  using client = new ArtifactStoreClient({ url, token, retry: { attempts: 1 }, idleTimeoutMs: 20_000 })
  const findings: Finding[] = []
  for await (const finding of examine({ client, url, mayWrite: flags.write ?? false, signal })) {
    findings.push(finding)
    if (!flags.json) await output.lines(linesOf(finding))
  }
  const wrong = findings.filter(({ verdict }) => verdict === 'wrong')
  if (flags.json) await output.json({ url, healthy: wrong.length === 0, findings })
  if (wrong.length > 0)
    throw new ArtifactError(
      'precondition-failed',
      `not all is well with ${url}: ${[...new Set(wrong.map(({ about }) => about))].join(', ')}`,
    )
}

const signs: Readonly<Record<Finding['verdict'], string>> = { good: 'ok', doubtful: '??', wrong: 'NO', unknown: '--' }

function linesOf({ verdict, about, says, advice }: Finding): string[] {
  const line = printable(`${signs[verdict]}  ${about}: ${says}`)
  return advice === undefined ? [line] : [line, printable(`    ${advice}`)]
}
