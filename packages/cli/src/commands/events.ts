import type { EventFilter, StoreEvent, Subscription } from '@artifact-store/client'
import type { Command } from 'commander'
import { collect, defineCommand, inSession, type Surroundings, wholeNumber } from '../command.ts'
import { printable } from '../printable.ts'
import type { Session } from '../session.ts'
import { formatTime } from '../sizes.ts'

interface EventsFlags {
  readonly after: number
  readonly follow?: boolean
  readonly type?: string[]
  readonly subject?: string
}

export function eventsCommand(surroundings: Surroundings): Command {
  return defineCommand('events', 'print the events of the log, one a line')
    .option('--after <n>', 'begin behind this sequence', wholeNumber(0, Number.MAX_SAFE_INTEGER), 0)
    .option('--follow', 'go on as events come, until Ctrl-C')
    .option(
      '--type <type>',
      'only events of this type, or of all that begin so: v1.package.finalized, v1.package.*; may be given several times',
      collect,
    )
    .option('--subject <kind[/id]>', 'only events about this, e.g. package/<id>, or about this kind, e.g. package')
    .action(async (flags: EventsFlags, command: Command) => {
      await inSession(surroundings, command, session => run(session, flags))
    })
}

async function run(session: Session, flags: EventsFlags): Promise<void> {
  const { after, type, subject } = flags
  if (!flags.follow) return print(session, read(session, after, { type, subject }))
  const events = follow(session, after, { type, subject })
  await print(session, events)
  // What a filter left out needs not be looked at again.
  session.output.note(`Stopped behind event ${events.position}: --after ${events.position} goes on from there.`)
}

async function print({ output, json, signal }: Session, events: AsyncIterable<StoreEvent>): Promise<void> {
  for await (const event of events) {
    await output.line(json ? JSON.stringify(event) : lineOf(event))
    if (signal.aborted) return
  }
}

function follow({ client, output, signal }: Session, after: number, filter: EventFilter): Subscription {
  return client.events.subscribe({
    ...filter,
    after,
    signal,
    onReconnect({ error, after: reached }) {
      output.note(`${error?.message ?? 'the store ended the connection.'} Going on behind event ${reached} …`)
    },
  })
}

/** All that there is now: up to the log's end as it was when that was reached. */
async function* read(
  { client, signal }: Session,
  after: number,
  filter: EventFilter,
): AsyncGenerator<StoreEvent, void, undefined> {
  for (let position = after; ; ) {
    const page = await client.events.list({ ...filter, after: position, limit: 1000, signal })
    yield* page.events
    if (page.atEnd) return
    position = page.position
  }
}

function lineOf(event: StoreEvent): string {
  const { sequence, time, type, subject, actor, data } = event
  return printable(`${sequence.padStart(7)}  ${formatTime(time)}  ${type.padEnd(24)}  ${subject}  by ${actor}  ${summary(data)}`)
}

/** The beginning of the payload: what the whole of it is, `--json` tells. */
function summary(data: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(data)
  return text.length <= 120 ? text : `${text.slice(0, 119)}…`
}
