import { ArtifactError } from '@artifact-store/client'
import type { Command } from 'commander'
import { type CheckReport, jsonReport, linesReport } from '../check-report.ts'
import { defineCommand, inSession, type Surroundings, wholeNumber } from '../command.ts'
import { relayFindings } from '../doctor/status.ts'
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

async function run(session: Session, { bytes = false, limit }: CheckFlags): Promise<void> {
  const report = session.json ? jsonReport(session.output) : linesReport(session.output, limit)
  const logIsWhole = await examineStored(session, report, bytes)
  await checkStream(session, report)
  if (logIsWhole) await checkViews(session, report)
  // What a replay makes of a log with holes in it says nothing of the views.
  else await cannotCompare(report, 'the log is not whole')
  await report.end()
  if (report.findings > 0)
    throw new ArtifactError('precondition-failed', `the store is not whole: ${count(report.findings, 'finding')}`)
}

/** The log and the blobs. @returns whether the log is whole. */
async function examineStored({ client, output, signal }: Session, report: CheckReport, readBytes: boolean): Promise<boolean> {
  let logIsWhole = true
  let saidAt = performance.now()
  for await (const line of client.examination.run({ readBytes, signal })) {
    switch (line.kind) {
      case 'progress':
        if (performance.now() - saidAt < sayAgainMs) break
        saidAt = performance.now()
        output.note(`${line.part}: ${line.done} looked at${line.bytes > 0 ? `, ${formatBytes(line.bytes)} read` : ''}`)
        break
      case 'finding':
        if (line.part === 'log') logIsWhole = false
        await report.finding({ part: line.part, at: line.at, says: line.says })
        break
      case 'summary': {
        const { head, events, blobs, files, bytes } = line
        const looked = readBytes ? `${formatBytes(bytes)} read and hashed again` : 'looked for'
        await report.part('log', `${count(events, 'event')} up to ${head}, read and hashed again`, { events, head })
        await report.part('blobs', `${count(blobs, 'blob')}, named by ${count(files, 'file')}, ${looked}`, {
          blobs,
          files,
          bytes,
        })
        return logIsWhole
      }
    }
  }
  throw new ArtifactError('internal', 'the examination ended without a summary')
}

/** Whether the event stream is a copy of this log. */
async function checkStream({ client, signal }: Session, report: CheckReport): Promise<void> {
  for (const { verdict, says, advice } of relayFindings(await client.server.status({ signal }))) {
    if (verdict === 'wrong') await report.finding({ part: 'stream', says, advice })
    else await report.part('stream', says, { verdict, says })
  }
}

/** Whether the views are what a replay makes of the log. */
async function checkViews(session: Session, report: CheckReport): Promise<void> {
  const { client, signal } = session
  const { views } = await client.server.status({ signal })
  if (!views.projectorLeads) return cannotCompare(report, 'no projector runs: start one')
  const { position, result } = await untilDone(session, await client.views.verify({ signal }))
  if (result && result.live === result.fresh) {
    const digest = result.live
    return report.part('views', `at ${position} what a fresh replay of the log makes of them: ${digest}`, { position, digest })
  }
  await report.finding({
    part: 'views',
    says: `at ${position} they differ from a fresh replay of the log`,
    advice: '"artifact admin verify" names the rows, "artifact admin rebuild" makes them anew',
  })
}

function cannotCompare(report: CheckReport, why: string): Promise<void> {
  return report.finding({ part: 'views', says: `they cannot be compared with a replay of the log: ${why}` })
}
