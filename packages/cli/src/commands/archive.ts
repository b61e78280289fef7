import type { LogArchiveStatus } from '@artifact-store/client'
import type { Command } from 'commander'
import { defineCommand, inSession, type Surroundings } from '../command.ts'
import { formatBytes, formatTime } from '../sizes.ts'
import { type Column, renderFields, renderTable } from '../table.ts'

type Partition = LogArchiveStatus['partitions'][number]

export function archiveCommand(surroundings: Surroundings): Command {
  return defineCommand('archive', 'how much of the log is in its archive, and where each partition of it is').action(
    async (_flags: object, command: Command) => {
      await inSession(surroundings, command, async ({ client, output, signal, json }) => {
        const status = await client.logArchive.status({ signal })
        if (json) return await output.json(status)
        await output.lines(renderFields(fieldsOf(status)))
        await output.lines(['', ...renderTable(columns, status.partitions)])
      })
    },
  )
}

function fieldsOf({ head, archivedTo, tableBegins, segments, bytes }: LogArchiveStatus): [name: string, value: string][] {
  return [
    ['log', `at ${head}`],
    ['archived', archivedTo === 0 ? 'nothing yet' : `to ${archivedTo}, in ${segments} segments of ${formatBytes(bytes)} in all`],
    ['read from the archive', tableBegins === 1 ? 'nothing' : `what is before ${tableBegins}`],
  ]
}

const columns: readonly Column<Partition>[] = [
  { title: 'PARTITION', align: 'right', cell: ({ firstSequence }) => String(firstSequence) },
  { title: 'TO', align: 'right', cell: ({ lastSequence }) => String(lastSequence) },
  { title: 'STATE', cell: ({ state }) => state },
  { title: 'SINCE', cell: ({ since }) => (since === undefined ? '' : formatTime(since)) },
]
