import { type PullProgress, type PullResult, pull } from '@artifact-store/client'
import type { Command } from 'commander'
import { defineCommand, inSession, type Surroundings, wholeNumber } from '../command.ts'
import { printable } from '../printable.ts'
import { ProgressBar } from '../progress-bar.ts'
import type { Progress } from '../progress-line.ts'
import type { Session } from '../session.ts'
import { count, formatBytes } from '../sizes.ts'

export function pullCommand(surroundings: Surroundings): Command {
  return defineCommand('pull', 'fetch a package into a directory, every file proven by its digest')
    .argument('<id>', 'the id of the package')
    .argument('<directory>', 'where to; made where there is none')
    .option('--concurrency <n>', 'how many files move at once', wholeNumber(1, 64), 8)
    .action(async (id: string, directory: string, flags: { concurrency: number }, command: Command) => {
      await inSession(surroundings, command, session => run(session, id, directory, flags.concurrency))
    })
}

async function run(session: Session, id: string, directory: string, concurrency: number): Promise<void> {
  const { output, json } = session
  const pulled = await pullWithBar(session, id, directory, concurrency)
  if (json) return await output.json(pulled)
  const kept = pulled.keptFiles === 0 ? '' : `; ${pulled.keptFiles} of them were there already`
  await output.line(`${count(pulled.files, 'file')}, ${formatBytes(pulled.bytes)}, in ${printable(directory)}${kept}`)
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
