import type { Backend } from '@artifact-store/client'
import type { Command } from 'commander'
import { defineCommand, inSession, type Surroundings } from '../command.ts'
import { printable } from '../printable.ts'
import type { Session } from '../session.ts'
import { type Column, renderFields, renderTable } from '../table.ts'

interface BackendsFlags {
  readonly probe?: boolean
}

export function backendsCommand(surroundings: Surroundings): Command {
  return defineCommand('backends', 'show where the bytes are, and what was found about these places')
    .option('--probe', 'have their capabilities tried again first')
    .action(async (flags: BackendsFlags, command: Command) => {
      await inSession(surroundings, command, session => run(session, flags))
    })
}

async function run({ client, output, signal, json }: Session, { probe }: BackendsFlags): Promise<void> {
  const backends = probe ? await client.backends.examine({ signal }) : await client.backends.list({ signal })
  if (json) await output.json({ backends })
  else for (const [i, backend] of backends.entries()) await output.lines([...(i === 0 ? [] : ['']), ...linesOf(backend)])
}

function linesOf({ name, role, address, trouble, examinedAt, capabilities }: Backend): string[] {
  const about = renderFields([
    ['name', name],
    ['role', role],
    ['address', address],
    ['examined', examinedAt ?? 'not yet'],
    ['trouble', trouble && printable(trouble)],
  ])
  return capabilities.length === 0 ? about : [...about, '', ...renderTable(columns, capabilities)]
}

const columns: readonly Column<Backend['capabilities'][number]>[] = [
  { title: 'CAPABILITY', cell: ({ capability }) => capability },
  { title: 'WORKS', cell: ({ works }) => (works ? 'yes' : 'no') },
  { title: 'SEEN', cell: ({ seen }) => seen },
]
