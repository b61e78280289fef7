import { ArtifactError, type ViewsComparison } from '@artifact-store/client'
import type { Command } from 'commander'
import { defineCommand, inSession, type Surroundings } from '../command.ts'
import { printable } from '../printable.ts'
import type { Session } from '../session.ts'
import { count } from '../sizes.ts'
import { type Column, renderTable } from '../table.ts'
import { untilDone } from '../until-done.ts'

type TableCounts = ViewsComparison['tables'][number]
type Difference = ViewsComparison['differences'][number]

export function verifyCommand(surroundings: Surroundings): Command {
  return defineCommand('verify', 'compare the views with a fresh replay of the log; exit code 1 where they differ').action(
    async (_flags: object, command: Command) => {
      await inSession(surroundings, command, run)
    },
  )
}

async function run(session: Session): Promise<void> {
  const { client, output, signal, json } = session
  const task = await untilDone(session, await client.views.verify({ signal }))
  const { position, result } = task
  if (!result) throw new ArtifactError('internal', `verification ${task.id} ended without a result`)
  const { live, fresh, tables, differences } = result
  if (json) await output.json(task)
  if (live === fresh) {
    if (!json) await output.line(`at ${position} the views are what a fresh replay of the log makes of them: ${live}`)
    return
  }
  const rows = tables.reduce((sum, { missing, extra, different }) => sum + missing + extra + different, 0)
  if (!json) {
    await output.lines(renderTable(columns, tables))
    await output.lines(['', ...differences.flatMap(linesOf)])
    if (rows > differences.length) output.note(`these are the first ${differences.length} of ${rows} rows`)
  }
  throw new ArtifactError(
    'digest-mismatch',
    `at ${position} the views differ in ${count(rows, 'row')} from a fresh replay of the log: "artifact admin rebuild" makes them anew`,
  )
}

const columns: readonly Column<TableCounts>[] = [
  { title: 'TABLE', cell: ({ table }) => table },
  { title: 'LIVE', align: 'right', cell: ({ live }) => String(live) },
  { title: 'FRESH', align: 'right', cell: ({ fresh }) => String(fresh) },
  { title: 'MISSING', align: 'right', cell: ({ missing }) => String(missing) },
  { title: 'EXTRA', align: 'right', cell: ({ extra }) => String(extra) },
  { title: 'DIFFERENT', align: 'right', cell: ({ different }) => String(different) },
]

function linesOf({ table, kind, key, columns: cells }: Difference): string[] {
  const named = Object.entries(key).map(([column, value]) => `${column}=${value}`)
  return [
    printable(`${kind}  ${table}  ${named.join(' ')}`),
    ...cells.map(({ column, live, fresh }) => printable(`  ${column}: live ${live ?? 'null'}, fresh ${fresh ?? 'null'}`)),
  ]
}
