import { ArtifactError, type ExaminationLine } from '@artifact-store/client'
import type { Command } from 'commander'
import { defineCommand, inSession, type Surroundings, wholeNumber } from '../command.ts'
import { type Finding as DoctorFinding, wrong } from '../doctor/finding.ts'
import { relayFindings } from '../doctor/status.ts'
import { printable } from '../printable.ts'
import type { Session } from '../session.ts'
import { count, formatBytes } from '../sizes.ts'
import { untilDone } from '../until-done.ts'

interface CheckFlags {
  readonly bytes?: boolean
  readonly limit: number
}

/** How often to say how far it is, in milliseconds. */
const sayAgainMs = 10_000

export function checkCommand(surroundings: Surroundings): Command {
  return defineCommand('check', 'prove that the store is whole, as after restoring a backup; exit code 1 where it is not')
    .option('--bytes', 'read and hash every byte of every blob, rather than look whether it is there')
    .option(
      '--limit <n>',
      'show at most so many findings, and count the rest; with --json, all are printed',
      wholeNumber(0, 1_000_000),
      100,
    )
    .action(async (flags: CheckFlags, command: Command) => {
      await inSession(surroundings, command, session => run(session, flags))
    })
}

async function run(session: Session, flags: CheckFlags): Promise<void> {
  const { findings, inLog } = await examineStored(session, flags)
  const inStream = await checkStream(session)
  // What a replay makes of a log with holes in it says nothing of the views.
  const inViews = inLog > 0 ? await cannotCompare(session, 'the log is not whole') : await checkViews(session)
  const all = findings + inStream + inViews
  if (all > 0) throw new ArtifactError('precondition-failed', `the store is not whole: ${count(all, 'finding')}`)
}

/** The log and the blobs. @returns how many findings there were, and how many of them about the log. */
async function examineStored(
  session: Session,
  { bytes: readBytes = false, limit }: CheckFlags,
): Promise<{ findings: number; inLog: number }> {
  const { client, output, signal, json } = session
  let inLog = 0
  let shown = 0
  let saidAt = performance.now()
  for await (const line of client.examination.run({ readBytes, signal })) {
    if (json) await output.line(JSON.stringify(line))
    switch (line.kind) {
      case 'progress':
        if (performance.now() - saidAt < sayAgainMs) break
        saidAt = performance.now()
        output.note(`${line.part}: ${line.done} looked at${line.bytes > 0 ? `, ${formatBytes(line.bytes)} read` : ''}`)
        break
      case 'finding':
        if (line.part === 'log') inLog += 1
        if (json || shown >= limit) break
        shown += 1
        await output.line(printable(`NO  ${line.part}: ${line.at}: ${line.says}`))
        break
      case 'summary':
        if (!json) await output.lines(summaryLines(line, { readBytes, shown }))
        return { findings: line.findings, inLog }
    }
  }
  throw new ArtifactError('internal', 'the examination ended without a summary')
}

type Summary = Extract<ExaminationLine, { kind: 'summary' }>

function summaryLines(
  { head, events, blobs, bytes, files, findings }: Summary,
  { readBytes, shown }: { readBytes: boolean; shown: number },
): string[] {
  const looked = [
    `log     ${count(events, 'event')} up to ${head}, read and hashed again`,
    `blobs   ${count(blobs, 'blob')}, named by ${count(files, 'file')}${readBytes ? `, ${formatBytes(bytes)} read and hashed again` : ', looked for'}`,
  ]
  return findings > shown ? [`NO  and ${findings - shown} more, which --limit or --json show`, ...looked] : looked
}

/** Whether the event stream is a copy of this log. */
async function checkStream(session: Session): Promise<number> {
  const status = await session.client.server.status({ signal: session.signal })
  const findings = [...relayFindings(status)]
  for (const finding of findings) await tell(session, finding)
  return findings.filter(({ verdict }) => verdict === 'wrong').length
}

/** Whether the views are what a replay makes of the log. */
async function checkViews(session: Session): Promise<number> {
  const { client, output, signal, json } = session
  const { views } = await client.server.status({ signal })
  if (!views.projectorLeads) return cannotCompare(session, 'no projector runs: start one')
  const { position, result } = await untilDone(session, await client.views.verify({ signal }))
  if (result && result.live === result.fresh) {
    if (json) await output.line(JSON.stringify({ kind: 'views', position, digest: result.live }))
    else await output.line(`views   at ${position} what a fresh replay of the log makes of them: ${result.live}`)
    return 0
  }
  await tell(
    session,
    wrong(
      'views',
      `at ${position} they differ from a fresh replay of the log`,
      '"artifact admin verify" names the rows, "artifact admin rebuild" makes them anew',
    ),
  )
  return 1
}

async function cannotCompare(session: Session, why: string): Promise<1> {
  await tell(session, wrong('views', `they cannot be compared with a replay of the log: ${why}`))
  return 1
}

async function tell({ output, json }: Session, { verdict, about, says, advice }: DoctorFinding): Promise<void> {
  if (json) return output.line(JSON.stringify({ kind: verdict === 'wrong' ? 'finding' : about, part: about, says, advice }))
  const sign = verdict === 'wrong' ? 'NO  ' : ''
  await output.line(
    printable(
      `${sign}${about === 'event stream' ? 'stream ' : `${about}: `} ${says}${advice === undefined ? '' : ` (${advice})`}`,
    ),
  )
}
