import { setTimeout as sleep } from 'node:timers/promises'
import type { NewEvent } from '@artifact-store/core'
import type { Append } from '@artifact-store/log'
import { appendActor } from '../check/appends-are-kept.ts'
import type { AppendAnswer } from '../history.ts'
import { callAppend, openLogWriters } from './append-call.ts'
import { draft } from './drafts.ts'
import type { Client, Load } from './load.ts'

/**
 * Appends as the gateway does, through either log-writer: mostly new things, sometimes an old one again, sometimes another thing under an
 * old key. What nobody answered is asked again with the same key, at the other log-writer too; some of it is left open.
 */
export const appender: Client = async (load, name, dice) => {
  await using stack = new AsyncDisposableStack()
  const [first, second] = load.world.logWriterUrls
  const ports = ([[first], [second], [first, second]] as const).map(urls => stack.use(openLogWriters(urls)))
  const sent: Append[] = []
  for (let number = 1; !load.over.aborted; number += 1) {
    const old = sent.length > 0 && dice.chance(0.12) ? dice.oneOf(sent) : undefined
    const append = old && dice.chance(0.6) ? old : newAppend(`${name}-${number}`, old?.key)
    if (!old) sent.push(append)
    if (sent.length > 40) sent.shift()
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      const impatient = dice.chance(0.05) ? AbortSignal.timeout(dice.between(1, 60)) : undefined
      const answer = await callAppend(load.history, name, dice.oneOf(ports), append, impatient)
      learn(load, append, answer)
      if (answer.outcome !== 'unknown' || dice.chance(0.1)) break
      await sleep(dice.between(1, 100))
    }
    await sleep(dice.between(1, 40))
  }
  load.kept.push(...sent.slice(-5))

  function newAppend(id: string, key = id): Append {
    const { events, conditions } = draft(load.subjects, dice)
    const [first, ...rest] = events.map((make, index): NewEvent => make(`${appendActor}${id}#${index}`))
    if (!first) throw new RangeError('a draft has at least one event')
    return { key, conditions, events: [first, ...rest] }
  }
}

/** Remembers what the answer says of the subjects, so that the next conditions are mostly right. */
function learn({ subjects }: Load, append: Append, answer: AppendAnswer): void {
  if (answer.outcome === 'conflict') {
    subjects.learn(answer.subject, answer.currentRevision)
    if (answer.reason === 'sealed') subjects.closed(answer.subject)
  }
  if (answer.outcome !== 'appended') return
  for (const event of append.events) {
    const subject = { kind: event.subjectKind, id: event.subjectId }
    subjects.learn(subject, subjects.revision(subject) + 1)
    if (subject.kind === 'package') subjects.heardOf(subject.id, answer.lastSequence)
  }
}
