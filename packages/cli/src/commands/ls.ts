import type { Package, PackageFilter, PackageState } from '@artifact-store/client'
import { type Command, Option } from 'commander'
import { collectPair, defineCommand, inSession, type Surroundings, wholeNumber } from '../command.ts'
import type { Session } from '../session.ts'
import { formatBytes, formatTime } from '../sizes.ts'
import { type Column, renderTable } from '../table.ts'

interface LsFlags {
  readonly name?: string
  readonly kind?: string
  readonly state?: PackageState
  readonly label?: Record<string, string>
  readonly limit: number
}

export function lsCommand(surroundings: Surroundings): Command {
  return defineCommand('ls', 'list packages, newest first')
    .option('--name <name>', 'only those of this name')
    .option('--kind <kind>', 'only those of this kind')
    .addOption(new Option('--state <state>', 'only those in this state').choices(['open', 'finalized', 'discarded', 'deleted']))
    .option('--label <key=value>', 'only those with this label; may be given several times', collectPair)
    .option('--limit <n>', 'how many at most', wholeNumber(1, 1_000_000), 50)
    .action(async (flags: LsFlags, command: Command) => {
      const { label: labels, limit, name, kind, state } = flags
      await inSession(surroundings, command, session => run(session, { name, kind, state, labels }, limit))
    })
}

async function run({ client, output, signal, json }: Session, filter: PackageFilter, limit: number): Promise<void> {
  const packages: Package[] = []
  let more = false
  // One more than is shown tells whether there are more.
  for await (const found of client.packages.all(filter, { limit: Math.min(limit + 1, 500), signal })) {
    more = packages.length === limit
    if (more) break
    packages.push(found)
  }
  if (json) return await output.json({ packages, more })
  if (packages.length === 0) return output.note('there are no such packages')
  await output.lines(renderTable(columns, packages))
  if (more) output.note(`there are more: these are the newest ${limit} (--limit)`)
}

const columns: readonly Column<Package>[] = [
  { title: 'ID', cell: found => found.id },
  { title: 'STATE', cell: found => found.state },
  { title: 'NAME', cell: found => found.name },
  { title: 'VERSION', cell: found => found.version ?? '' },
  { title: 'KIND', cell: found => found.kind },
  { title: 'FILES', align: 'right', cell: found => String(found.fileCount) },
  { title: 'SIZE', align: 'right', cell: found => formatBytes(found.totalSize) },
  { title: 'CREATED', cell: found => formatTime(found.createdAt) },
]
