import { ArtifactError, type MigrationSummary } from '@artifact-store/client'
import type { Command } from 'commander'
import { defineCommand, inSession, type Surroundings } from '../command.ts'
import { printable } from '../printable.ts'
import type { Session } from '../session.ts'
import { count, formatBytes } from '../sizes.ts'
import { renderFields } from '../table.ts'

interface MigrateFlags {
  readonly from: string
  readonly to: string
  readonly remove?: boolean
}

/** How often to say how far it is, in milliseconds. */
const sayAgainMs = 10_000

export function migrateCommand(surroundings: Surroundings): Command {
  return defineCommand(
    'migrate',
    'copy or move the bytes of one backend into another, while the store serves; exit code 1 where not all of them could be',
  )
    .requiredOption('--from <backend>', 'the source: a name or an address that "artifact admin backends" shows')
    .requiredOption('--to <backend>', 'the target')
    .option(
      '--remove',
      'remove each blob from the source when it was read again, whole, from the target; the source must be an older backend',
    )
    .action(async (flags: MigrateFlags, command: Command) => {
      await inSession(surroundings, command, session => run(session, flags))
    })
}

async function run(session: Session, flags: MigrateFlags): Promise<void> {
  const { output, json } = session
  const damaged: { digest: string; store: string }[] = []
  const summary = await migrate(session, flags, async ({ digest, store }) => {
    damaged.push({ digest, store })
    if (!json) await output.line(printable(`NO  ${digest} is damaged in ${store}, and was left in ${flags.from}`))
  })
  const { kind: _, ...facts } = summary
  if (json) await output.json({ ...facts, damagedBlobs: damaged })
  else await output.lines(renderFields(fieldsOf(summary, flags)))
  if (summary.damaged > 0)
    throw new ArtifactError(
      'blob-corrupt',
      `${count(summary.damaged, 'blob')} of ${flags.from} could not be ${flags.remove ? 'moved' : 'copied'}: upload them again, or take them from a backup`,
    )
}

async function migrate(
  { client, output, signal }: Session,
  flags: MigrateFlags,
  onDamaged: (line: { readonly digest: string; readonly store: string }) => Promise<void>,
): Promise<MigrationSummary> {
  let saidAt = performance.now()
  for await (const line of client.backends.migrate(flags, { signal })) {
    switch (line.kind) {
      case 'damaged':
        await onDamaged(line)
        break
      case 'progress': {
        if (performance.now() - saidAt < sayAgainMs) break
        saidAt = performance.now()
        const { blobs, copied, copiedBytes, fraction } = line
        output.note(
          `about ${Math.floor(fraction * 100)} %: ${count(blobs, 'blob')} looked at, ${copied} copied (${formatBytes(copiedBytes)})`,
        )
        break
      }
      case 'summary':
        return line
    }
  }
  throw new ArtifactError('internal', 'the migration ended without a summary')
}

function fieldsOf(
  { from, to, blobs, bytes, copied, copiedBytes, removed, damaged }: MigrationSummary,
  { remove }: MigrateFlags,
): [name: string, value: string | undefined][] {
  return [
    ['from', `${from}: ${count(blobs, 'blob')}, ${formatBytes(bytes)}`],
    ['to', `${to}: ${copied} of them copied, ${formatBytes(copiedBytes)}`],
    ['removed', remove ? `${removed}, each proven to be in ${to}` : undefined],
    ['damaged', String(damaged)],
  ]
}
