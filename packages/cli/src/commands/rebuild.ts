import { ArtifactError, type ViewsStatus, type ViewTask } from '@artifact-store/client'
import type { Command } from 'commander'
import { defineCommand, inSession, type Surroundings } from '../command.ts'
import type { Session } from '../session.ts'
import { formatTime } from '../sizes.ts'
import { type Column, renderFields, renderTable } from '../table.ts'
import { untilDone } from '../until-done.ts'

export function rebuildCommand(surroundings: Surroundings): Command {
  return defineCommand('rebuild', 'have the views made anew from the log, beside the live ones, which they then replace')
    .option('--wait', 'until they have')
    .action(async (flags: { wait?: boolean }, command: Command) => {
      await inSession(surroundings, command, session => run(session, flags.wait === true))
    })
    .addCommand(statusCommand(surroundings))
    .addCommand(discardCommand(surroundings))
    .addCommand(dropPreviousCommand(surroundings))
}

async function run(session: Session, wait: boolean): Promise<void> {
  const { client, output, signal, json } = session
  const asked = await client.views.rebuild({ signal })
  if (!wait) {
    if (json) return await output.json(asked)
    return await output.line(`rebuild ${asked.id} was asked for: "artifact admin rebuild status" tells how far it is`)
  }
  const done = await untilDone(session, asked)
  if (json) return await output.json(done)
  await output.line(`the views were made anew and took over at ${done.position}`)
  output.note('the old ones are kept until "artifact admin rebuild drop-previous"')
}

function statusCommand(surroundings: Surroundings): Command {
  return defineCommand('status', 'how the views stand, and what was done with them').action(
    async (_flags: object, command: Command) => {
      await inSession(surroundings, command, async ({ client, output, signal, json }) => {
        const status = await client.views.status({ signal })
        if (json) return await output.json(status)
        await output.lines(renderFields(fieldsOf(status)))
        if (status.tasks.length > 0) await output.lines(['', ...renderTable(columns, status.tasks)])
      })
    },
  )
}

function discardCommand(surroundings: Surroundings): Command {
  return defineCommand('discard', 'give up what is being done with the views: a rebuild, or a verification').action(
    async (_flags: object, command: Command) => {
      await inSession(surroundings, command, async ({ client, output, signal, json }) => {
        const { tasks } = await client.views.status({ signal })
        const underWay = tasks.find(({ finishedAt }) => finishedAt === undefined)
        if (!underWay) throw new ArtifactError('precondition-failed', 'nothing is being done with the views')
        await client.views.discard(underWay.id, { signal })
        const task = await client.views.task(underWay.id, { signal })
        if (json) return await output.json(task)
        await output.line(
          task.phase === 'discarded'
            ? `${task.kind} ${task.id} was given up`
            : `${task.kind} ${task.id} had ended: ${task.phase}`,
        )
      })
    },
  )
}

function dropPreviousCommand(surroundings: Surroundings): Command {
  return defineCommand('drop-previous', 'drop the views that were live before the last rebuild').action(
    async (_flags: object, command: Command) => {
      await inSession(surroundings, command, async ({ client, output, signal, json }) => {
        await client.views.dropPrevious({ signal })
        await (json ? output.json({ dropped: true }) : output.line('none are kept'))
      })
    },
  )
}

function fieldsOf({ position, head, previous }: ViewsStatus): [name: string, value: string][] {
  return [
    ['views', `at ${position}`],
    ['log', `at ${head}`],
    ['previous views', previous === undefined ? 'none are kept' : `kept, at ${previous}`],
  ]
}

const columns: readonly Column<ViewTask>[] = [
  { title: 'ID', align: 'right', cell: task => String(task.id) },
  { title: 'KIND', cell: task => task.kind },
  { title: 'PHASE', cell: phaseOf },
  { title: 'POSITION', align: 'right', cell: task => String(task.position ?? '') },
  { title: 'ASKED', cell: task => `${formatTime(task.requestedAt)} by ${task.requestedBy}` },
  { title: 'ENDED', cell: task => (task.finishedAt === undefined ? '' : formatTime(task.finishedAt)) },
  { title: 'ERROR', cell: task => task.error ?? '' },
]

function phaseOf({ phase, finishedAt, workedOn }: ViewTask): string {
  if (finishedAt !== undefined || workedOn) return phase
  return phase === 'waiting' ? 'waiting for a projector' : `${phase}, interrupted`
}
