import { type ArchiveFormat, type PullProgress, type PullResult, pull, pullArchive } from '@artifact-store/client'
import { type Command, Option } from 'commander'
import { defineCommand, inSession, type Surroundings, wholeNumber } from '../command.ts'
import { printable } from '../printable.ts'
import { ProgressBar } from '../progress-bar.ts'
import type { Progress } from '../progress-line.ts'
import type { Session } from '../session.ts'
import { count, formatBytes } from '../sizes.ts'

interface PullFlags {
  readonly concurrency: number
  readonly archive?: ArchiveFormat
}

export function pullCommand(surroundings: Surroundings): Command {
  return defineCommand('pull', 'fetch a package into a directory, every file proven by its digest, or as one archive')
    .argument('<id>', 'the id of the package')
    .argument('<target>', 'the directory, made where there is none; with --archive, the file')
    .addOption(new Option('--archive <format>', 'fetch it as one file').choices(['tar', 'zip']))
    .option('--concurrency <n>', 'how many files move at once', wholeNumber(1, 64), 8)
    .action(async (id: string, target: string, flags: PullFlags, command: Command) => {
      await inSession(surroundings, command, session =>
        flags.archive ? runArchive(session, id, flags.archive, target) : run(session, id, target, flags.concurrency),
      )
    })
}

async function run(session: Session, id: string, directory: string, concurrency: number): Promise<void> {
  const { output, json } = session
  const pulled = await pullWithBar(session, id, directory, concurrency)
  if (json) return await output.json(pulled)
  const kept = pulled.keptFiles === 0 ? '' : `; ${pulled.keptFiles} of them were there already`
  await output.line(`${count(pulled.files, 'file')}, ${formatBytes(pulled.bytes)}, in ${printable(directory)}${kept}`)
}

async function runArchive(
  { client, output, json, signal }: Session,
  id: string,
  format: ArchiveFormat,
  place: string,
): Promise<void> {
  using bar = new ProgressBar(output)
  const onProgress = (bytesDone: number, bytesTotal: number) =>
    bar.update({ label: 'pulling', fraction: bytesDone / bytesTotal, filesDone: 0, filesTotal: 1, bytesDone, bytesTotal })
  const pulled = await pullArchive(client, id, format, place, { signal, onProgress })
  bar[Symbol.dispose]()
  if (json) return await output.json({ ...pulled, file: place })
  await output.line(`${formatBytes(pulled.bytes)} in ${printable(place)}`)
}

async function pullWithBar(
  { client, output, signal }: Session,
  id: string,
  directory: string,
  concurrency: number,
): Promise<PullResult> {
  using bar = new ProgressBar(output)
  const onProgress = (progress: PullProgress) => bar.update(toProgress(progress))
  return await pull(client, id, directory, { concurrency, signal, onProgress })
}

function toProgress({ filesDone, filesTotal, bytesDone, bytesTotal }: PullProgress): Progress {
  const fraction = bytesTotal > 0 ? bytesDone / bytesTotal : filesTotal > 0 ? filesDone / filesTotal : 1
  return { label: 'pulling', fraction, filesDone, filesTotal, bytesDone, bytesTotal }
}
